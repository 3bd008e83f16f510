//! From cells to rows: mean and deviation over seeds, and which is the best.

use std::collections::BTreeMap;

use serde::Serialize;

use super::arrangement::Compared;
use super::metric::StudyMetric;
use super::report::ScoredCell;

/// A metric over seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation (over n − 1); none of fewer than two seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// Each seed's value, in the seeds' order.
    pub values: Vec<f64>,
    /// Whether it is the best among the arrangements of its base and share, as far as is shown (a hundredth of a
    /// percent), and not all are equal.
    pub best: bool,
}

impl Estimate {
    /// That of some values; none of none.
    pub fn of(values: Vec<f64>) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            values,
            best: false,
        })
    }

    /// As the table shows it.
    fn shown(&self) -> i64 {
        (self.mean * 1e4).round() as i64
    }
}

/// An arrangement on a share of the data, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The base's name.
    pub base: String,
    /// The share.
    pub fraction: f64,
    /// The arrangement.
    pub arrangement: Compared,
    /// How many seeds are in it.
    pub seeds: usize,
    /// Queries that are trained on, on the average.
    pub queries: f64,
    /// Optimizer steps of all its stages together, on the average.
    pub steps: f64,
    /// Tokens of their examples, on the average.
    pub tokens: f64,
    /// The metrics by key; one that no step counts for is not there.
    pub metrics: BTreeMap<&'static str, Estimate>,
}

impl Row {
    /// A metric's estimate.
    pub fn metric(&self, metric: StudyMetric) -> Option<&Estimate> {
        self.metrics.get(metric.key())
    }
}

/// The rows of some cells, in the order in which their first ones come.
pub fn rows(cells: &[ScoredCell]) -> Vec<Row> {
    let mut groups: Vec<Vec<&ScoredCell>> = Vec::new();
    for cell in cells {
        match groups.iter_mut().find(|group| group[0].is_beside(cell)) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let mut rows: Vec<Row> = groups.iter().map(|group| row(group)).collect();
    mark_best(&mut rows);
    rows
}

fn row(group: &[&ScoredCell]) -> Row {
    let first = group[0];
    let mean = |value: fn(&ScoredCell) -> f64| {
        group.iter().map(|cell| value(cell)).sum::<f64>() / group.len() as f64
    };
    let estimate = |metric: StudyMetric| {
        let values = group
            .iter()
            .filter_map(|cell| metric.of(&cell.score.metrics));
        Some((metric.key(), Estimate::of(values.collect())?))
    };
    Row {
        base: first.base.clone(),
        fraction: first.fraction,
        arrangement: first.arrangement,
        seeds: group.len(),
        queries: mean(|cell| cell.queries as f64),
        steps: mean(|cell| cell.stages.iter().map(|stage| stage.steps as f64).sum()),
        tokens: mean(|cell| cell.stages.iter().map(|stage| stage.tokens as f64).sum()),
        metrics: StudyMetric::ALL.into_iter().filter_map(estimate).collect(),
    }
}

/// Where all are equal, none is the best.
fn mark_best(rows: &mut [Row]) {
    for metric in StudyMetric::ALL {
        let sign = if metric.lowest_is_best() { -1 } else { 1 };
        let shown = |row: &Row| Some(sign * row.metric(metric)?.shown());
        let beside = |one: &Row, other: &Row| {
            one.base == other.base && one.fraction.total_cmp(&other.fraction).is_eq()
        };
        let best: Vec<bool> = rows
            .iter()
            .map(|row| {
                let others = rows.iter().filter(|other| beside(row, other));
                let values: Vec<i64> = others.filter_map(shown).collect();
                let (best, worst) = (values.iter().max(), values.iter().min());
                best != worst && shown(row).as_ref() == best
            })
            .collect();
        for (row, best) in rows.iter_mut().zip(best) {
            if let Some(estimate) = row.metrics.get_mut(metric.key()) {
                estimate.best = best;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests;
