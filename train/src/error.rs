//! What can end a stage.

use std::path::PathBuf;

use glpft_checkpoints::{FileError, StateError, WeightsError};
use glpft_data::PreparedError;
use glpft_model::ModelError;

use crate::rank_error::RankError;

/// An error of training.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The examples cannot be read.
    #[error(transparent)]
    Data(#[from] PreparedError),
    /// The system refused to read or write.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint.
    #[error(transparent)]
    State(#[from] StateError),
    /// Weights in files.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The ranks that train together cannot go on.
    #[error(transparent)]
    Ranks(#[from] RankError),
    /// There is nothing to train on.
    #[error(
        "stage {stage} has no training examples: the `prepare` table says what was dropped and why"
    )]
    NoExamples {
        /// The stage's name.
        stage: &'static str,
    },
    /// A loss or gradient is infinite or not a number; nothing of the step is saved.
    #[error(
        "stage {stage}, step {step}: {what} is not finite (examples, as trajectory:turn: {examples}); nothing of this \
         step is saved. A lower learning rate, more warm-up or clip_norm may help{advice}"
    )]
    NotFinite {
        /// The stage's name.
        stage: &'static str,
        /// The step, from 1.
        step: u64,
        /// `the loss`, or `the gradient of <parameter>`.
        what: String,
        /// The step's examples.
        examples: String,
        /// More to do about it, or nothing.
        advice: String,
    },
    /// A checkpoint cannot be written; those before it are whole.
    #[error(
        "cannot save step {step}: {source}; {last}: once that is mended, the same command resumes it"
    )]
    Save {
        /// Steps done.
        step: u64,
        /// What went wrong.
        source: Box<TrainError>,
        /// What there is to go on from.
        last: String,
    },
    /// The weights to be saved are infinite or not numbers.
    #[error(
        "{parameter} is not finite: an update before it was too large, though its gradient was finite. A lower \
         learning rate, more warm-up or clip_norm may help"
    )]
    BrokenWeights {
        /// The first such parameter.
        parameter: String,
    },
    /// More steps were done than the stage is to have.
    #[error(
        "{} is of step {done}, and the stage is to have {total} steps now: give it at least as many (--max-steps, `epochs`)", checkpoint.display()
    )]
    TooShort {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// Steps done.
        done: u64,
        /// Steps that there are to be.
        total: u64,
    },
    /// A checkpoint that cannot be gone on from.
    #[error(
        "cannot go on from {}: {source}; remove that directory to go on from the checkpoint before it, or from the \
         stage's start", path.display()
    )]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<TrainError>,
    },
    /// A checkpoint was made with other settings or other data.
    #[error(
        "{} belongs to another training: {differences}; {remedy}", checkpoint.display()
    )]
    OtherRun {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// What was different, by name.
        differences: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The training log cannot be continued.
    #[error("{} line {line} is not a record of a training log: {reason}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}
