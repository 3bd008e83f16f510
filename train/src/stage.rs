//! A stage: what it is, and the one way to run it.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_checkpoints::{Checkpoint, ComputedBy, Provenance};
use glpft_data::{ExampleSet, Origins, StepLayout};
use glpft_model::Decoder;
use glpft_recipes::{Packing, Sampling, Stage, StageRecipe};

use crate::ahead::made_ahead;
use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::observer::{Observer, Resumed, StageStart};
use crate::report::StageReport;
use crate::running::Running;
use crate::step::goes_back_twice;
use crate::steps::Steps;

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
    /// Set from outside to end the stage after the step under way.
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

/// A stage that is about to begin or to go on: nothing refuses it any more.
pub struct OpenStage<'a> {
    run: &'a StageRun<'a>,
    running: Running<'a>,
    resumed: Option<Resumed>,
}

impl<'a> OpenStage<'a> {
    /// Puts `model`, whose trained parameters are already chosen, where the stage's last whole checkpoint has it; leaves it
    /// as it is where there is none.
    ///
    /// # Errors
    /// The checkpoint is of another run or cannot be read, or there is nothing to train on.
    pub fn open(model: &mut Decoder, run: &'a StageRun<'a>) -> Result<Self, TrainError> {
        model.set_precision(run.recipe.precision)?;
        let (running, resumed) = Running::open(model, run)?;
        Ok(Self {
            run,
            running,
            resumed,
        })
    }

    /// Trains it to its end, or until it is told to stop.
    ///
    /// # Errors
    /// As [`train_stage`].
    pub fn train(
        self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<Outcome, TrainError> {
        let outcome = self.run_on(model, observer, inspect);
        observer.finish();
        outcome
    }

    fn run_on(
        self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<Outcome, TrainError> {
        let Self {
            run,
            running: mut stage,
            resumed,
        } = self;
        let (done, total) = stage.progress();
        observer.start(&StageStart {
            stage: run.stage.name(),
            done,
            total,
            goes_back_twice: goes_back_twice(run.recipe),
            resumed,
        });
        if let ControlFlow::Break(saved) = stage.before_steps(model, observer)? {
            return Ok(Outcome::Interrupted(saved));
        }
        let steps = Steps::new(run, stage.plan(), done..total);
        made_ahead(steps, |steps| {
            stage.run_steps(model, steps, observer, inspect)
        })
    }
}

/// Trains `model`, whose trained parameters are already chosen, through one stage.
///
/// Goes on from the last whole checkpoint in the stage's directory, if there is one: with the same provenance and
/// arithmetic to the same weights, bit for bit.
///
/// # Errors
/// Where the checkpoint is of another run or cannot be read, the data cannot be read, numbers go wrong, or the disk
/// refuses. The stage's last checkpoint is whole in any case.
pub fn train_stage(
    model: &mut Decoder,
    run: &StageRun<'_>,
    observer: &mut dyn Observer,
    inspect: &mut Inspect<'_>,
) -> Result<Outcome, TrainError> {
    OpenStage::open(model, run)?.train(model, observer, inspect)
}
