//! The training log: a JSON object a line.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{FileError, faults, write_atomically};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::validation::perplexity;

/// The log's file in a stage's directory.
pub const TRAIN_LOG_FILE: &str = "train_log.jsonl";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LogRecord {
    /// A step.
    Step(StepRecord),
    /// A validation.
    Validation(ValidationRecord),
    /// What does not happen to every step.
    Event(EventRecord),
}

impl LogRecord {
    /// Reads a line: each kind has a key that the others lack.
    fn parse(line: &str) -> Result<Self, serde_json::Error> {
        let validation = || serde_json::from_str(line).map(LogRecord::Validation);
        let event = || serde_json::from_str(line).map(LogRecord::Event);
        serde_json::from_str(line)
            .map(LogRecord::Step)
            .or_else(|error| validation().or_else(|_| event()).map_err(|_| error))
    }

    /// Steps done when it was written.
    pub fn step(&self) -> u64 {
        match self {
            LogRecord::Step(record) => record.step,
            LogRecord::Validation(record) => record.step,
            LogRecord::Event(record) => record.step,
        }
    }
}

/// What may happen to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A loss or a gradient was not finite: the step is not applied, and this is the only record of it.
    NotApplied,
    /// The loss was far above the usual; the step is applied, and its own record follows.
    LossSpike,
}

/// What does not happen to every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The step, from 1.
    pub step: u64,
    /// What happened.
    pub event: Event,
    /// The same in words, with the first parameter that is concerned.
    pub what: String,
    /// The step's examples, `trajectory:turn`.
    pub of_examples: Vec<String>,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, from 1.
    pub step: u64,
    /// Epochs done after it, with the fraction of the one under way.
    pub epoch: f64,
    /// The mean loss of a label token, in nats, before the update.
    pub loss: f64,
    /// The learning rate of the update.
    pub lr: f64,
    /// The gradient's norm before clipping.
    pub grad_norm: f64,
    /// Label tokens of the step.
    pub label_tokens: usize,
    /// Where there are several sources, the label tokens of each; their sum is `label_tokens`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source_label_tokens: BTreeMap<String, usize>,
    /// Tokens of the step's examples.
    pub tokens: usize,
    /// Tokens that the model was run on.
    pub computed_tokens: usize,
    /// Those of them that were computed again, because a trajectory's tree was cut to fit the budget.
    #[serde(default)]
    pub recomputed_tokens: usize,
    /// Micro-batches of the step.
    #[serde(default)]
    pub micro_batches: usize,
    /// `computed_tokens` per token of the micro-batches' budgets: above 1 where examples are longer than the budget.
    #[serde(default)]
    pub fill: f64,
    /// Examples of the step.
    pub examples: usize,
    /// Wall time of the step.
    pub seconds: f64,
    /// `tokens / seconds`.
    pub tokens_per_second: f64,
    /// Memory that the process holds, in bytes.
    pub memory: u64,
    /// Of several ranks, how long each computed its share before the gradients were exchanged: who is faster waits for the
    /// slowest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rank_seconds: Vec<f64>,
}

impl StepRecord {
    /// Which share of the step each of several ranks did not compute: it waited for the others, exchanged, and updated.
    pub fn waiting_shares(&self) -> Vec<f64> {
        let computed = self.rank_seconds.iter();
        computed
            .map(|computed| (1.0 - computed / self.seconds.max(1e-9)).max(0.0))
            .collect()
    }
}

/// What one validation found. In the log it also has its `validation_perplexity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "ValidationLine")]
pub struct ValidationRecord {
    /// Steps done.
    pub step: u64,
    /// The mean loss of a held-out label token, in nats.
    pub validation_loss: f64,
    /// Held-out label tokens.
    pub validation_label_tokens: usize,
    /// Where there are several sources, the loss on what is held out of each.
    #[serde(default)]
    pub source_validation: BTreeMap<String, SourceLoss>,
    /// Wall time of the validation.
    pub seconds: f64,
}

/// The loss on what is held out of one of several sources.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceLoss {
    /// The mean loss of a held-out label token, in nats.
    pub loss: f64,
    /// Held-out label tokens.
    pub label_tokens: usize,
}

impl ValidationRecord {
    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        perplexity(self.validation_loss)
    }
}

/// A validation's line of the log.
#[derive(Serialize)]
struct ValidationLine {
    step: u64,
    validation_loss: f64,
    validation_perplexity: f64,
    validation_label_tokens: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    source_validation: BTreeMap<String, SourceLoss>,
    seconds: f64,
}

impl From<ValidationRecord> for ValidationLine {
    fn from(record: ValidationRecord) -> Self {
        Self {
            step: record.step,
            validation_loss: record.validation_loss,
            validation_perplexity: record.perplexity(),
            validation_label_tokens: record.validation_label_tokens,
            source_validation: record.source_validation,
            seconds: record.seconds,
        }
    }
}

/// The log of a stage under way, appended to line by line.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Goes on with the log of `stage` as it was after `steps` steps: what an interrupted start logged beyond that
    /// is done again and logged again.
    pub fn open(stage: &Path, steps: u64) -> Result<Self, TrainError> {
        let path = stage.join(TRAIN_LOG_FILE);
        if path.exists() {
            let (records, damage) = read_lines(&path)?;
            let reached = records.iter().map(|(_, record)| record.step()).max();
            match damage {
                // What is damaged would be dropped in any case if it lies behind the checkpoint.
                Some(error) if reached.unwrap_or(0) < steps => return Err(error),
                _ => {}
            }
            let kept: Vec<String> = records
                .into_iter()
                .filter(|(_, record)| record.step() <= steps && steps > 0)
                .map(|(line, _)| line)
                .collect();
            write_atomically(&path, |writer| {
                kept.iter().try_for_each(|line| writeln!(writer, "{line}"))
            })?;
        }
        let open = OpenOptions::new().create(true).append(true).open(&path);
        let file = open.map_err(|source| FileError::new("open the training log", &path, source))?;
        Ok(Self { path, file })
    }

    /// Appends a record.
    pub fn write(&mut self, record: &impl Serialize) -> Result<(), TrainError> {
        let failed = |source| FileError::new("write the training log", &self.path, source);
        let mut line = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let written = faults::check().and_then(|()| self.file.write_all(&line));
        Ok(written.map_err(failed)?)
    }

    /// Makes sure that what was appended is on disk.
    pub fn sync(&self) -> Result<(), TrainError> {
        let failed = |source| FileError::new("write the training log", &self.path, source);
        let synced = faults::check().and_then(|()| self.file.sync_data());
        Ok(synced.map_err(failed)?)
    }
}

/// The records of a stage's log.
pub fn read_log(stage: &Path) -> Result<Vec<LogRecord>, TrainError> {
    let (lines, damage) = read_lines(&stage.join(TRAIN_LOG_FILE))?;
    match damage {
        Some(error) => Err(error),
        None => Ok(lines.into_iter().map(|(_, record)| record).collect()),
    }
}

/// The lines with their records up to the first that is none, and what is wrong with that one.
#[allow(clippy::type_complexity, reason = "a list and what ended it")]
fn read_lines(path: &Path) -> Result<(Vec<(String, LogRecord)>, Option<TrainError>), TrainError> {
    let failed = |source| FileError::new("read the training log", path, source);
    let text = fs::read(path).map_err(failed)?;
    let text = String::from_utf8_lossy(&text);
    let mut records = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match LogRecord::parse(line) {
            Ok(record) => records.push((line.trim_end().to_owned(), record)),
            // A line without its end was being written when the program died.
            Err(_) if !line.ends_with('\n') => break,
            Err(error) => {
                let (path, line, reason) = (path.to_owned(), index + 1, error.to_string());
                return Ok((records, Some(TrainError::Log { path, line, reason })));
            }
        }
    }
    Ok((records, None))
}
