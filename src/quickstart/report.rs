//! What a quick start came to.

use glpft_eval::Metrics;
use glpft_eval::live_evaluation::LiveReport;
use serde::Serialize;

use super::contestant::Contestant;
use super::measure::Measured;
use crate::result::FinishedStage;

/// `quickstart.json`.
#[derive(Clone, Debug, Serialize)]
pub struct QuickstartReport {
    /// The world's seed.
    pub seed: u64,
    /// Who learned, and how well.
    pub contestants: Vec<ContestantReport>,
    /// Wall time of this start.
    pub seconds: f64,
}

/// One contestant.
#[derive(Clone, Debug, Serialize)]
pub struct ContestantReport {
    /// Who.
    pub contestant: Contestant,
    /// Tokens computed in training, all stages.
    pub computed_tokens: u64,
    /// Seconds of training, all stages.
    pub training_seconds: f64,
    /// The paper's metrics on the held-out steps.
    pub metrics: Metrics,
    /// How many steps that were.
    pub steps: usize,
    /// Work with tools, by strategy.
    pub live: Vec<LiveResult>,
}

/// Held-out tasks worked on by one strategy, judged by the world's truth.
#[derive(Clone, Debug, Serialize)]
pub struct LiveResult {
    /// `react` or `dfsdt`.
    pub strategy: String,
    /// All of it.
    pub report: LiveReport,
}

impl ContestantReport {
    pub(super) fn new(
        contestant: Contestant,
        stages: &[FinishedStage],
        measured: Measured,
    ) -> Self {
        let reports = stages.iter().map(|stage| &stage.report);
        Self {
            contestant,
            computed_tokens: reports.clone().map(|report| report.computed_tokens).sum(),
            training_seconds: reports.map(|report| report.seconds).sum(),
            metrics: measured.of_steps.scores.metrics,
            steps: measured.of_steps.data.steps,
            live: measured.live,
        }
    }
}

impl LiveResult {
    /// The share of tasks that pass, mean over the test sets.
    pub fn pass_rate(&self) -> Option<f64> {
        let rates = self.report.scores.pass_rate.as_ref();
        rates.map(|rates| rates.average.rate)
    }
}
