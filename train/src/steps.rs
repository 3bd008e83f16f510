//! What the steps of a stage read, in order.

use std::ops::Range;

use glpft_data::{Plan, PreparedError, Share, StepBatches};
use glpft_recipes::StageRecipe;

use crate::stage_run::StageRun;

/// The number of steps of a stage: its epochs' as planned, at most `max_steps`.
pub fn total_steps(plan: &Plan, recipe: &StageRecipe) -> usize {
    let planned = plan.total_steps(recipe.epochs);
    recipe.max_steps.map_or(planned, |most| planned.min(most))
}

/// What a step reads, and where in the epochs it is.
pub(crate) struct Step {
    pub batches: StepBatches,
    pub epoch: u32,
    /// Its number in the epoch, from 0.
    pub number: usize,
    /// The share of epochs done after it.
    pub epochs_done: f64,
}

/// The steps of a stage in order.
pub(crate) struct Steps<'a> {
    run: &'a StageRun<'a>,
    share: Share,
    plan: Plan,
    left: Range<usize>,
    /// The epoch whose steps are at hand, and those steps.
    epoch: Option<(u32, Vec<Vec<u32>>)>,
}

impl<'a> Steps<'a> {
    /// Those that are `left`; of several ranks a share of each.
    pub fn new(run: &'a StageRun<'a>, share: Share, plan: &Plan, left: Range<usize>) -> Self {
        Self {
            run,
            share,
            plan: plan.clone(),
            left,
            epoch: None,
        }
    }

    fn step(&mut self, step: usize) -> Result<Step, PreparedError> {
        let run = self.run;
        let (epoch, number) = self.plan.locate(step).unwrap_or_default();
        let at_hand = self.epoch.take().filter(|(at_hand, _)| *at_hand == epoch);
        let (_, steps) = self
            .epoch
            .insert(at_hand.unwrap_or_else(|| (epoch, self.plan.epoch(epoch))));
        Ok(Step {
            batches: run
                .layout()
                .shared_batches(run.train, &steps[number], self.share)?,
            epoch,
            number,
            epochs_done: f64::from(epoch) + (number + 1) as f64 / steps.len() as f64,
        })
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, PreparedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.left.next()?;
        Some(self.step(step))
    }
}
