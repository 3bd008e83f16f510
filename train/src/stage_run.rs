//! A stage to run, and how it ends.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_checkpoints::{Checkpoint, ComputedBy, Provenance};
use glpft_data::{ExampleSet, Origins, Share, StepLayout};
use glpft_model::Decoder;
use glpft_recipes::{Packing, Sampling, Stage, StageRecipe};

use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::ranks::Transport;
use crate::report::StageReport;

/// A stage to run: everything but the model.
pub struct StageRun<'a> {
    /// Which stage.
    pub stage: Stage,
    /// Its settings.
    pub recipe: &'a StageRecipe,
    /// The run's seed.
    pub seed: u64,
    /// What a step draws.
    pub sampling: Sampling,
    /// How micro-batches are laid out.
    pub packing: Packing,
    /// What it trains on.
    pub train: &'a dyn ExampleSet,
    /// What it is validated on; may be empty.
    pub validation: &'a dyn ExampleSet,
    /// Which of several sources an example's trajectory is of.
    pub origins: &'a Origins,
    /// Its directory, for checkpoints and the log.
    pub directory: &'a Path,
    /// What it hangs on; a checkpoint made with another is refused.
    pub provenance: &'a Provenance,
    /// Go on from such a checkpoint all the same.
    pub resume_anyway: bool,
    /// What does the arithmetic; told where a checkpoint was made with something else.
    pub computed_by: &'a ComputedBy,
    /// The ranks that train it together; [`Alone`](crate::Alone) where there is one. Each runs the same stage, and the first
    /// one writes.
    pub ranks: &'a dyn Transport,
    /// Set from outside to end the stage after the step under way; of several ranks one is enough.
    pub stop: &'a AtomicBool,
    /// Set from outside to have a checkpoint written after the step under way, or in the validation under way; unset when
    /// it is.
    pub save: &'a AtomicBool,
}

impl StageRun<'_> {
    /// How its steps are laid out.
    pub(crate) fn layout(&self) -> StepLayout {
        StepLayout::new(self.packing, self.recipe)
    }

    /// This rank's share of what `model` reads.
    pub(crate) fn share(&self, model: &Decoder) -> Share {
        Share {
            rank: self.ranks.rank(),
            ranks: self.ranks.size(),
            hidden_size: model.config().hidden_size,
        }
    }
}

/// Sees the model, the number of the step (from 1), its summed gradients and the factor that averages them, before the
/// update; with a layer-wise backward a layer's at a time, each before its own update.
pub type Inspect<'a> = dyn FnMut(&mut Decoder, u64, &Gradients, f64) -> Result<(), TrainError> + 'a;

/// How a stage ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All steps are done.
    Finished(StageReport),
    /// It was told to stop; the checkpoint holds all that is needed to go on.
    Interrupted(Checkpoint),
}
