//! The part of a checkpoint that is not tensors.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ComputedBy, Earlier, Provenance, StateError};
use crate::{read_json, write_json};

/// The file with a [`TrainerState`].
pub const TRAINER_STATE_FILE: &str = "trainer_state.json";

/// Raised when a state written before can no longer be continued.
const FORMAT: u32 = 2;

/// Where a stage's training is. Every random number follows from `seed` and these counters,
/// so there is no generator to save.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// The stage's name.
    pub stage: String,
    /// Optimizer steps done.
    pub step: u64,
    /// Whole epochs done.
    pub epoch: u64,
    /// Where the data goes on inside the epoch, in the unit of the plan that made it.
    pub position: u64,
    /// The seed of every random number.
    pub seed: u64,
    /// Steps in all, as the stage was planned when this was written.
    pub total: u64,
    /// Steps that were not applied, because a loss or a gradient was not finite.
    pub not_applied: u64,
    /// What the schedule's learning rates are multiplied with: less than 1 after such steps, if the recipe says so.
    pub lr_factor: f64,
    /// The usual loss, to tell a spike by.
    pub usual_loss: UsualLoss,
    /// The best validation so far.
    pub best_validation: Option<BestValidation>,
    /// Whether the validation after `step` was interrupted, and is to be made before the next step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub validation_due: bool,
    /// What the training hangs on.
    pub provenance: Provenance,
    /// What it hung on before, in order, where it was gone on with something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// What did the arithmetic.
    pub computed_by: ComputedBy,
}

/// Running mean and variance of the steps' losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UsualLoss {
    /// Steps that are in it.
    pub steps: u64,
    /// The mean, in nats.
    pub mean: f64,
    /// The variance.
    pub variance: f64,
}

/// The step with the lowest validation loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestValidation {
    /// Steps done at that time.
    pub step: u64,
    /// The mean loss of a label token, in nats; finite.
    pub loss: f64,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    state: &'a TrainerState,
}

/// Read before the state itself, which may look different in another format.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    state: TrainerState,
}

impl TrainerState {
    /// Writes `trainer_state.json` into the folder `directory`.
    pub fn write(&self, directory: &Path) -> Result<(), StateError> {
        if let Some(BestValidation { step, loss }) = self.best_validation
            && !loss.is_finite()
        {
            return Err(StateError::NotFinite { step, loss });
        }
        let written = Written {
            format: FORMAT,
            state: self,
        };
        Ok(write_json(&directory.join(TRAINER_STATE_FILE), &written)?)
    }

    /// Reads `trainer_state.json` of the folder `directory`.
    pub fn read(directory: &Path) -> Result<Self, StateError> {
        let path = directory.join(TRAINER_STATE_FILE);
        let Version { format } = read_json(&path)?;
        if format != FORMAT {
            return Err(StateError::Version {
                path,
                found: format,
                expected: FORMAT,
            });
        }
        let Read { state } = read_json(&path)?;
        Ok(state)
    }
}
