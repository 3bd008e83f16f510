//! What a finished stage came to.

use std::collections::BTreeMap;
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
    /// What each of several sources came to; empty where there is one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceResult>,
}

/// What one of several sources came to in a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceResult {
    /// Its label tokens, over all steps.
    pub label_tokens: u64,
    /// The loss on what is held out of it before the first step.
    pub first_validation_loss: Option<f64>,
    /// The same after the last step.
    pub last_validation_loss: Option<f64>,
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
                for (name, tokens) in record.source_label_tokens {
                    report.sources.entry(name).or_default().label_tokens += tokens as u64;
                }
            }
            LogRecord::Validation(record) => {
                report
                    .first_validation_loss
                    .get_or_insert(record.validation_loss);
                report.last_validation_loss = Some(record.validation_loss);
                let perplexity = record.perplexity();
                report.first_validation_perplexity.get_or_insert(perplexity);
                report.last_validation_perplexity = Some(perplexity);
                for (name, found) in record.source_validation {
                    let source = report.sources.entry(name).or_default();
                    source.first_validation_loss.get_or_insert(found.loss);
                    source.last_validation_loss = Some(found.loss);
                }
            }
            LogRecord::Event(record) => match record.event {
                Event::NotApplied => report.not_applied += 1,
                Event::LossSpike => report.loss_spikes += 1,
            },
        }
    }
    Ok(report)
}
