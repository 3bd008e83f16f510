//! What figures show of a row: a metric, or the tasks that were passed.

use super::metric::StudyMetric;
use super::table::{Estimate, Row};

/// What a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure<'r> {
    /// A metric of steps.
    Metric(StudyMetric),
    /// The share of tasks that were passed by a strategy.
    Passed(&'r str),
}

impl<'r> Measure<'r> {
    /// The share of tasks that were passed, by each of the strategies that some row has.
    pub fn passed(rows: &[&'r Row]) -> Vec<Self> {
        let mut all = Vec::new();
        for played in rows.iter().flat_map(|row| &row.played) {
            let measure = Self::Passed(&played.strategy);
            if !all.contains(&measure) {
                all.push(measure);
            }
        }
        all
    }

    /// Every one that rows may have.
    pub fn all(rows: &[&'r Row]) -> Vec<Self> {
        let metrics = StudyMetric::ALL.into_iter().map(Self::Metric);
        metrics.chain(Self::passed(rows)).collect()
    }

    /// What files are called by it.
    pub fn key(self) -> String {
        match self {
            Self::Metric(metric) => metric.key().to_owned(),
            Self::Passed(strategy) => format!("passed-{strategy}"),
        }
    }

    /// What it is called.
    pub fn title(self) -> String {
        match self {
            Self::Metric(metric) if metric.lowest_is_best() => {
                format!("{} (lower is better)", metric.title())
            }
            Self::Metric(metric) => metric.title().to_owned(),
            Self::Passed(strategy) => format!("Tasks passed, {strategy}"),
        }
    }

    /// A row's.
    pub fn of(self, row: &Row) -> Option<&Estimate> {
        match self {
            Self::Metric(metric) => row.metric(metric),
            Self::Passed(strategy) => {
                let mut played = row.played.iter();
                Some(&played.find(|one| one.strategy == strategy)?.pass)
            }
        }
    }
}
