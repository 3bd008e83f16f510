//! How much a stage is, before it is trained.

use std::collections::BTreeMap;
use std::sync::Arc;

use glpft_data::{Batch, ExampleSet, Plan, PreparedError, Selection, StepLayout, Trunk};
use glpft_recipes::{Recipe, Stage, StageRecipe};
use rayon::prelude::*;

use crate::Error;
use crate::check::CheckedJob;
use crate::memory::{Computed, estimate, moments};
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
    /// Those of them that are the optimizer's moments.
    pub moments: u64,
}

impl StageSize {
    /// That of a stage whose datasets are prepared.
    ///
    /// # Errors
    /// Where a dataset's file cannot be read.
    pub fn of(recipe: &Recipe, checked: &CheckedJob, prepared: &Prepared) -> Result<Self, Error> {
        let stage = checked.job.stage;
        let training = training_examples(recipe, stage, prepared)?;
        let lengths = || (0..training.len()).map(|index| training.length(index));
        let (tokens, longest) = (lengths().sum::<usize>(), lengths().max().unwrap_or(0));
        let settings = recipe.stage(stage);
        let sampling = recipe.data.sampling;
        let plan = Plan::of_stage(&training, sampling, settings, recipe.seed, stage);
        let of_step = |step: &Vec<u32>| -> usize {
            let examples = step.iter();
            examples.map(|&index| training.length(index as usize)).sum()
        };
        let computed = match settings.wakes() {
            true => largest_branches(&training, settings)?,
            false => Computed::Together {
                longest,
                step: plan.epoch(0).iter().map(of_step).max().unwrap_or(0),
            },
        };
        Ok(Self {
            examples: training.len(),
            tokens,
            steps: glpft_train::total_steps(&plan, settings),
            memory: estimate(&checked.config, settings, computed),
            moments: moments(&checked.config, settings),
        })
    }

    /// How many bytes training takes on each of several ranks: they divide the optimizer's moments.
    pub fn memory_of_rank(&self, ranks: usize) -> u64 {
        let own = self.moments.div_ceil(ranks.max(1) as u64);
        self.memory - self.moments.min(self.memory) + own.min(self.memory)
    }
}

/// How many of a stage's `tokens` need not be computed in an epoch, since examples of a micro-batch share prefixes; counted of the
/// first epoch's steps, or of some of them where it has many.
///
/// # Errors
/// Where a dataset's file cannot be read.
pub fn shared_tokens(recipe: &Recipe, stage: Stage, prepared: &Prepared) -> Result<usize, Error> {
    let training = training_examples(recipe, stage, prepared)?;
    let settings = recipe.stage(stage);
    let sampling = recipe.data.sampling;
    let plan = Plan::of_stage(&training, sampling, settings, recipe.seed, stage);
    let layout = StepLayout::new(recipe.data.packing, settings);
    let steps = plan.epoch(0);
    let every = steps.len().div_ceil(MOST_STEPS).max(1);
    let looked_at: Vec<&Vec<u32>> = steps.iter().step_by(every).collect();
    let counted = looked_at
        .par_iter()
        .map(|step| {
            let batches = layout.batches(&training, step)?.batches;
            let computed: usize = batches.iter().map(Batch::computed_tokens).sum();
            let examples = step.iter();
            let tokens: usize = examples.map(|&index| training.length(index as usize)).sum();
            Ok((tokens, computed))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let (tokens, computed) = counted
        .iter()
        .fold((0, 0), |(all, sum), (tokens, computed)| {
            (all + tokens, sum + computed)
        });
    let all: usize = (0..training.len())
        .map(|index| training.length(index))
        .sum();
    let share = tokens.saturating_sub(computed) as f64 / tokens.max(1) as f64;
    Ok((share * all as f64).round() as usize)
}

/// How many steps are looked at for what their examples share.
const MOST_STEPS: usize = 256;

/// The examples that a stage trains on.
///
/// # Errors
/// Where a dataset's file cannot be read.
pub(crate) fn training_examples(
    recipe: &Recipe,
    stage: Stage,
    prepared: &Prepared,
) -> Result<Selection, Error> {
    let mut datasets = Vec::new();
    for &dataset in datasets_of(recipe, stage) {
        datasets.extend(prepared.dataset(dataset)?);
    }
    let global = stage == Stage::Global;
    Ok(Selection::new(&datasets, |split| {
        split.trains(global, recipe.reuse)
    }))
}

/// How many trajectories are looked at for the largest trunk and branches: those with the most tokens.
const LARGEST: usize = 32;

/// What an adapter that wakes computes at once, of the largest trajectories.
fn largest_branches(
    training: &Selection,
    settings: &StageRecipe,
) -> Result<Computed, PreparedError> {
    let mut trajectories: BTreeMap<u32, (usize, Vec<usize>)> = BTreeMap::new();
    for index in 0..training.len() {
        let (tokens, examples) = trajectories.entry(training.trajectory(index)).or_default();
        *tokens += training.length(index);
        examples.push(index);
    }
    let mut largest: Vec<_> = trajectories.into_values().collect();
    largest.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
    let (mut most_trunk, mut most_branches) = (0, 0);
    for (_, examples) in largest.into_iter().take(LARGEST) {
        let examples = examples.into_iter().map(|index| training.example(index));
        let examples: Vec<_> = examples.collect::<Result<_, _>>()?;
        let trunk = Arc::new(Trunk::of(&examples));
        let examples: Vec<_> = examples.iter().collect();
        let batches = Batch::branches_within(&examples, &trunk, settings.micro_batch_tokens);
        most_trunk = most_trunk.max(trunk.len());
        most_branches = batches
            .iter()
            .map(Batch::len)
            .fold(most_branches, usize::max);
    }
    Ok(Computed::Branches {
        trunk: most_trunk,
        tokens: most_branches,
    })
}
