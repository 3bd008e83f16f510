//! What a training run needs to go on: checkpoints of a stage.

mod checkpoint;
mod optimizer;
mod provenance;
mod trainer;

use std::path::PathBuf;

use crate::{FileError, JsonError, WeightsError};

pub use checkpoint::{
    Checkpoint, checkpoint_of, latest_checkpoint, list_checkpoints, prune_checkpoints,
    write_checkpoint,
};
pub use optimizer::{
    FIRST_MOMENT, OPTIMIZER_FILE, SECOND_MOMENT, open_optimizer, optimizer_tensors, write_optimizer,
};
pub use provenance::{ComputedBy, Earlier, Provenance};
pub use trainer::{BestValidation, TRAINER_STATE_FILE, TrainerState, UsualLoss};

/// A checkpoint that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The state's file.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The optimizer's tensors.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A state that another version wrote.
    #[error(
        "{} was written in format {found}, this program reads {expected}; continue it with the \
         version that wrote it, or start again with --overwrite",
        .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: u32,
        /// The format that is read.
        expected: u32,
    },
    /// A number that JSON cannot hold.
    #[error("the validation loss at step {step} is {loss}: a state holds finite numbers only")]
    NotFinite {
        /// The step.
        step: u64,
        /// The loss.
        loss: f64,
    },
}
