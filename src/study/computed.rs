//! How many tokens training a stage computes, before it is trained.

use glpft_data::{Batch, Plan, Selection, StepLayout};
use glpft_recipes::{Recipe, Stage};
use rayon::prelude::*;

use super::budget::StageLength;
use crate::Error;
use crate::prepare::Prepared;
use crate::size::training_examples;

/// The tokens that the model is run on in each step of a stage, counted as training counts them (`computed_tokens` in its log):
/// the nodes of prefix trees where the recipe packs trees. Steps go on without end, epoch after epoch.
pub(super) struct ComputedTokens {
    stage: Stage,
    training: Selection,
    plan: Plan,
    layout: StepLayout,
    /// The recipe's steps.
    planned: usize,
    /// Of each step of the epochs that were counted.
    steps: Vec<u64>,
    /// How many steps there are up to the end of each of those epochs.
    ends: Vec<usize>,
}

impl ComputedTokens {
    /// Those of a stage whose datasets are prepared: a pure function of them and the recipe.
    ///
    /// # Errors
    /// A dataset cannot be read.
    pub fn new(recipe: &Recipe, stage: Stage, prepared: &Prepared) -> Result<Self, Error> {
        let training = training_examples(recipe, stage, prepared)?;
        let settings = recipe.stage(stage);
        let sampling = recipe.data.sampling;
        let plan = Plan::of_stage(&training, sampling, settings, recipe.seed, stage);
        Ok(Self {
            stage,
            training,
            planned: glpft_train::total_steps(&plan, settings),
            plan,
            layout: StepLayout::new(recipe.data.packing, settings),
            steps: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// How many the recipe's steps compute.
    ///
    /// # Errors
    /// An example cannot be read.
    pub fn as_planned(&mut self) -> Result<u64, Error> {
        while self.steps.len() < self.planned && self.count_epoch()? {}
        Ok(self.steps.iter().take(self.planned).sum())
    }

    /// As many steps as come nearest to so many tokens, one at least, and how many tokens they compute. Where there are no
    /// examples, one epoch of nothing.
    ///
    /// # Errors
    /// An example cannot be read.
    pub fn nearest(&mut self, tokens: f64) -> Result<(StageLength, u64), Error> {
        let (mut steps, mut sum) = (0, 0u64);
        loop {
            if steps == self.steps.len() && !self.count_epoch()? {
                break;
            }
            let with_next = sum + self.steps[steps];
            let nearer = (with_next as f64 - tokens).abs() <= (tokens - sum as f64).abs();
            if steps > 0 && !nearer {
                break;
            }
            (steps, sum) = (steps + 1, with_next);
        }
        let epochs = self.ends.iter().take_while(|&&end| end < steps).count();
        let length = StageLength {
            stage: self.stage,
            epochs: epochs as u32 + 1,
            steps: steps.max(1),
        };
        Ok((length, sum))
    }

    /// Counts another epoch; whether there is anything in it.
    fn count_epoch(&mut self) -> Result<bool, Error> {
        let steps = self.plan.epoch(self.ends.len() as u32);
        let (training, layout) = (&self.training, self.layout);
        let counted = steps
            .par_iter()
            .map(|step| -> Result<u64, Error> {
                let batches = layout.batches(training, step)?.batches;
                let tokens: usize = batches.iter().map(Batch::computed_tokens).sum();
                Ok(tokens as u64)
            })
            .collect::<Result<Vec<u64>, Error>>()?;
        // An epoch of nothing would be followed by others without end.
        let some = counted.iter().any(|&tokens| tokens > 0);
        if some {
            self.steps.extend(counted);
            self.ends.push(self.steps.len());
        }
        Ok(some)
    }
}
