//! What a quick start came to.

use glpft_eval::Metrics;
use glpft_recipes::Stage;
use serde::Serialize;

use super::contestant::Contestant;
use super::live_result::LiveResult;
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
    /// Tokens of the examples that it was trained on, all stages and epochs.
    pub tokens: u64,
    /// Tokens computed for them: shared prefixes count once.
    pub computed_tokens: u64,
    /// Seconds of training, all stages.
    pub training_seconds: f64,
    /// The loss on held-out training tasks, before and after each stage.
    pub losses: Vec<HeldOutLoss>,
    /// The paper's metrics on the held-out steps.
    pub metrics: Metrics,
    /// How many steps that were.
    pub steps: usize,
    /// Work with tools, by strategy.
    pub live: Vec<LiveResult>,
}

/// A stage's loss on the tasks that training leaves out, in nats a token.
#[derive(Clone, Debug, Serialize)]
pub struct HeldOutLoss {
    /// The stage.
    pub stage: Stage,
    /// Before its first step.
    pub before: f64,
    /// After its last one.
    pub after: f64,
}

impl ContestantReport {
    pub(super) fn new(
        contestant: Contestant,
        stages: &[FinishedStage],
        measured: Measured,
    ) -> Self {
        let stages = stages.iter().filter(|one| contestant.is_made_by(one.stage));
        let reports = stages.clone().map(|stage| &stage.report);
        Self {
            contestant,
            tokens: reports.clone().map(|report| report.tokens).sum(),
            losses: stages.filter_map(held_out_loss).collect(),
            computed_tokens: reports.clone().map(|report| report.computed_tokens).sum(),
            training_seconds: reports.map(|report| report.seconds).sum(),
            metrics: measured.of_steps.scores.metrics,
            steps: measured.of_steps.data.steps,
            live: measured.live,
        }
    }
}

fn held_out_loss(stage: &FinishedStage) -> Option<HeldOutLoss> {
    Some(HeldOutLoss {
        stage: stage.stage,
        before: stage.report.first_validation_loss?,
        after: stage.report.last_validation_loss?,
    })
}
