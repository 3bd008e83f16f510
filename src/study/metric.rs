//! The metrics that a study compares by.

use glpft_eval::Metrics;
use serde::Serialize;

/// A column of the paper's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StudyMetric {
    /// Plan accuracy.
    PlanEm,
    /// Action exact match.
    ActionEm,
    /// Hallucination rate: the lowest is the best.
    HalluRate,
    /// Argument F1.
    F1,
    /// ROUGE-L of answers.
    Rouge,
}

impl StudyMetric {
    /// Every one, in the order of the paper's columns.
    pub const ALL: [StudyMetric; 5] = [
        StudyMetric::PlanEm,
        StudyMetric::ActionEm,
        StudyMetric::HalluRate,
        StudyMetric::F1,
        StudyMetric::Rouge,
    ];

    /// The key in files: the published script's.
    pub fn key(self) -> &'static str {
        match self {
            StudyMetric::PlanEm => "plan_em",
            StudyMetric::ActionEm => "action_em",
            StudyMetric::HalluRate => "hallu_rate",
            StudyMetric::F1 => "f1",
            StudyMetric::Rouge => "rouge",
        }
    }

    /// The head of its column, as in the paper.
    pub fn title(self) -> &'static str {
        match self {
            StudyMetric::PlanEm => "Plan ACC",
            StudyMetric::ActionEm => "Act. EM",
            StudyMetric::HalluRate => "Hallu.",
            StudyMetric::F1 => "Arg. F1",
            StudyMetric::Rouge => "R-L",
        }
    }

    /// Whether less of it is better.
    pub fn lowest_is_best(self) -> bool {
        self == StudyMetric::HalluRate
    }

    /// Its value among a team's, in 0..=1; none where no step counts for it.
    pub fn of(self, metrics: &Metrics) -> Option<f64> {
        match self {
            StudyMetric::PlanEm => metrics.plan_em,
            StudyMetric::ActionEm => metrics.action_em,
            StudyMetric::HalluRate => metrics.hallu_rate,
            StudyMetric::F1 => metrics.f1,
            StudyMetric::Rouge => metrics.rouge,
        }
    }
}
