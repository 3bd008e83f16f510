//! How much a stage is, before it is trained.

use glpft_data::{ExampleSet, Plan, Selection};
use glpft_recipes::{Recipe, Stage};

use crate::Error;
use crate::check::CheckedJob;
use crate::memory::estimate;
use crate::prepare::{Prepared, datasets_of};

/// How much a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSize {
    /// Examples that it trains on.
    pub examples: usize,
    /// Their tokens, in one pass over them.
    pub tokens: usize,
    /// Optimizer steps.
    pub steps: usize,
    /// Bytes that training takes at its peak, about.
    pub memory: u64,
}

impl StageSize {
    /// That of a stage whose datasets are prepared.
    ///
    /// # Errors
    /// Where a dataset's file cannot be read.
    pub fn of(recipe: &Recipe, checked: &CheckedJob, prepared: &Prepared) -> Result<Self, Error> {
        let stage = checked.job.stage;
        let mut datasets = Vec::new();
        for &dataset in datasets_of(recipe, stage) {
            datasets.extend(prepared.dataset(dataset)?);
        }
        let global = stage == Stage::Global;
        let training = Selection::new(&datasets, |split| split.trains(global, recipe.reuse));
        let lengths = || (0..training.len()).map(|index| training.length(index));
        let (tokens, longest) = (lengths().sum::<usize>(), lengths().max().unwrap_or(0));
        let trajectories: Vec<u32> = (0..training.len())
            .map(|index| training.trajectory(index))
            .collect();
        let settings = recipe.stage(stage);
        let sampling = recipe.data.sampling;
        let plan = Plan::of_stage(&trajectories, sampling, settings, recipe.seed, stage);
        let of_step = |step: &Vec<u32>| -> usize {
            let examples = step.iter();
            examples.map(|&index| training.length(index as usize)).sum()
        };
        let largest_step = plan.epoch(0).iter().map(of_step).max().unwrap_or(0);
        Ok(Self {
            examples: trajectories.len(),
            tokens,
            steps: glpft_train::total_steps(&plan, settings),
            memory: estimate(&checked.config, settings, longest, largest_step),
        })
    }
}
