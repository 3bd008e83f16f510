//! What a finished stage came to.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::log::{Event, LogRecord, read_log};

/// What a finished stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Steps of the stage.
    pub steps: u64,
    /// Loss of its first step.
    pub first_loss: Option<f64>,
    /// Loss of its last step.
    pub last_loss: Option<f64>,
    /// Validation loss before the first step.
    pub first_validation_loss: Option<f64>,
    /// Validation loss after the last step.
    pub last_validation_loss: Option<f64>,
    /// Perplexity of the held-out label tokens before the first step.
    pub first_validation_perplexity: Option<f64>,
    /// Perplexity of the held-out label tokens after the last step.
    pub last_validation_perplexity: Option<f64>,
    /// Tokens of the examples, over all steps.
    pub tokens: u64,
    /// Tokens that the model was run on, over all steps.
    pub computed_tokens: u64,
    /// Steps that were not applied, because a loss or a gradient was not finite.
    #[serde(default)]
    pub not_applied: u64,
    /// Steps whose loss was far above the usual.
    #[serde(default)]
    pub loss_spikes: u64,
    /// Wall time of the steps.
    pub seconds: f64,
}

/// Sums up a stage from its log, over every start.
///
/// # Errors
/// The log cannot be read.
pub fn stage_report(directory: &Path) -> Result<StageReport, TrainError> {
    let mut report = StageReport::default();
    for record in read_log(directory)? {
        report.steps = record.step();
        match record {
            LogRecord::Step(record) => {
                report.first_loss.get_or_insert(record.loss);
                report.last_loss = Some(record.loss);
                report.tokens += record.tokens as u64;
                report.computed_tokens += record.computed_tokens as u64;
                report.seconds += record.seconds;
            }
            LogRecord::Validation(record) => {
                report
                    .first_validation_loss
                    .get_or_insert(record.validation_loss);
                report.last_validation_loss = Some(record.validation_loss);
                let perplexity = record.perplexity();
                report.first_validation_perplexity.get_or_insert(perplexity);
                report.last_validation_perplexity = Some(perplexity);
            }
            LogRecord::Event(record) => match record.event {
                Event::NotApplied => report.not_applied += 1,
                Event::LossSpike => report.loss_spikes += 1,
            },
        }
    }
    Ok(report)
}
