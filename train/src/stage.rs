//! The one way to run a stage.

use std::ops::ControlFlow;

use glpft_model::Decoder;

use crate::error::TrainError;
use crate::observer::{Observer, Resumed, StageStart};
use crate::prefetch::prefetched;
use crate::stage_loop::StageLoop;
use crate::stage_run::{Inspect, Outcome, StageRun};
use crate::step::goes_back_twice;
use crate::steps::Steps;

/// A stage that is about to begin or to go on: nothing refuses it any more.
pub struct OpenStage<'a> {
    run: &'a StageRun<'a>,
    running: StageLoop<'a>,
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
        let (running, resumed) = StageLoop::open(model, run)?;
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
        let share = run.share(model);
        let steps = Steps::new(run, share, stage.plan(), done..total);
        prefetched(steps, |steps| {
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
