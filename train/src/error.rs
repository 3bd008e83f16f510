//! What can end a stage.

use std::path::PathBuf;

use glpft_checkpoints::{FileError, StateError, WeightsError};
use glpft_data::PreparedError;
use glpft_model::ModelError;

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
         step is saved. A lower learning rate, more warm-up or clip_norm may help"
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
        "{} was made with another {what}: continue with the one it was made with, or start again with --overwrite",
        checkpoint.display()
    )]
    OtherRun {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// `recipe` or `data`.
        what: &'static str,
    },
    /// The training log cannot be continued.
    #[error("{} line {line} is no record of a training log: {reason}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}
