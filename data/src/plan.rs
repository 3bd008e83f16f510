//! What each training step reads, planned from lengths and seeds alone.

mod micro;
mod share;
mod step;

pub use micro::micro_batches;
pub use share::Share;
pub use step::{StepBatches, StepLayout};

use crate::prepared::ExampleSet;
use crate::random::{Purpose, Random};
use glpft_recipes::{Sampling, Stage, StageRecipe};

/// The steps of a stage: a pure function of the examples' trajectories, the seed, the stage and the epoch.
///
/// An epoch holds every example exactly once. With [`Sampling::Trajectory`] it is the trajectories that are
/// shuffled; their examples stay together, in order, and a step takes trajectories until it has `batch` examples or
/// more. With [`Sampling::Example`] single examples are shuffled and a step has exactly `batch`. The last step of an
/// epoch may have fewer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The examples of each unit that is shuffled.
    units: Vec<Vec<u32>>,
    /// The trajectory of each unit.
    trajectories: Vec<u32>,
    batch: usize,
    seed: u64,
    order: Order,
}

/// What an epoch's order hangs on beside the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The stage: each has an order of its own.
    Stage(Stage),
    /// Each trajectory's number: stages that read the same trajectories take them in the same order.
    Trajectory,
}

impl Plan {
    /// Plans examples, given by their trajectory each. Examples of one trajectory belong together wherever they
    /// stand. A `batch` of 0 is taken as 1.
    pub fn new(
        trajectories: &[u32],
        sampling: Sampling,
        batch: usize,
        seed: u64,
        stage: Stage,
    ) -> Self {
        let units: Vec<Vec<u32>> = match sampling {
            Sampling::Example => (0..trajectories.len() as u32)
                .map(|example| vec![example])
                .collect(),
            Sampling::Trajectory => {
                let mut examples: Vec<u32> = (0..trajectories.len() as u32).collect();
                examples.sort_by_key(|&example| trajectories[example as usize]);
                let same =
                    |a: &u32, b: &u32| trajectories[*a as usize] == trajectories[*b as usize];
                examples.chunk_by(same).map(<[u32]>::to_vec).collect()
            }
        };
        Self {
            trajectories: Self::of_units(&units, trajectories),
            units,
            batch: batch.max(1),
            seed,
            order: Order::Stage(stage),
        }
    }

    /// The plan of a stage that trains on some examples.
    pub fn of_stage(
        examples: &dyn ExampleSet,
        sampling: Sampling,
        recipe: &StageRecipe,
        seed: u64,
        stage: Stage,
    ) -> Self {
        let trajectories: Vec<u32> = (0..examples.len())
            .map(|index| examples.trajectory(index))
            .collect();
        match recipe.wakes() {
            true => Self::in_common_order(&trajectories, recipe.batch, seed),
            false => Self::new(&trajectories, sampling, recipe.batch, seed, stage),
        }
    }

    /// Plans whole trajectories in an order that is the same for every stage that reads them, whatever else it reads: one
    /// goes before another or behind it by the seed and the epoch alone. So several stages can work on the same trajectory
    /// at a time.
    pub fn in_common_order(trajectories: &[u32], batch: usize, seed: u64) -> Self {
        Self {
            order: Order::Trajectory,
            ..Self::new(
                trajectories,
                Sampling::Trajectory,
                batch,
                seed,
                Stage::Global,
            )
        }
    }

    fn of_units(units: &[Vec<u32>], trajectories: &[u32]) -> Vec<u32> {
        let first = units.iter().filter_map(|unit| unit.first());
        first
            .map(|&example| trajectories[example as usize])
            .collect()
    }

    /// Where a trajectory stands in an epoch of [`in_common_order`](Self::in_common_order), among those of any stage.
    pub fn place(seed: u64, epoch: u32, trajectory: u32) -> (u64, u32) {
        let random = Random::new(seed, None, u64::from(epoch), Purpose::Shuffle);
        (random.u64(u64::from(trajectory)), trajectory)
    }

    /// The steps of an epoch (from 0): the examples' indices.
    pub fn epoch(&self, epoch: u32) -> Vec<Vec<u32>> {
        let mut steps = Vec::new();
        let mut step = Vec::new();
        for unit in self.order(epoch) {
            step.extend_from_slice(&self.units[unit]);
            if step.len() >= self.batch {
                steps.push(std::mem::take(&mut step));
            }
        }
        if !step.is_empty() {
            steps.push(step);
        }
        steps
    }

    /// The number of steps of an epoch. It hangs on the epoch: with whole trajectories the order decides it.
    pub fn steps_in_epoch(&self, epoch: u32) -> usize {
        let (mut steps, mut examples) = (0, 0);
        for unit in self.order(epoch) {
            examples += self.units[unit].len();
            if examples >= self.batch {
                steps += 1;
                examples = 0;
            }
        }
        steps + usize::from(examples > 0)
    }

    /// The number of steps of the first `epochs` epochs.
    pub fn total_steps(&self, epochs: u32) -> usize {
        (0..epochs).map(|epoch| self.steps_in_epoch(epoch)).sum()
    }

    /// The epoch of a step (from 0) of the whole stage, and the step's number in it; `None` where there are no
    /// examples. Steps go on past the recipe's epochs without end.
    pub fn locate(&self, step: usize) -> Option<(u32, usize)> {
        if self.units.is_empty() {
            return None;
        }
        let mut left = step;
        let mut epoch = 0;
        loop {
            let steps = self.steps_in_epoch(epoch);
            if left < steps {
                return Some((epoch, left));
            }
            left -= steps;
            epoch += 1;
        }
    }

    fn order(&self, epoch: u32) -> Vec<usize> {
        match self.order {
            Order::Stage(stage) => {
                Random::new(self.seed, Some(stage), u64::from(epoch), Purpose::Shuffle)
                    .permutation(self.units.len())
            }
            Order::Trajectory => {
                let mut order: Vec<usize> = (0..self.units.len()).collect();
                order.sort_by_cached_key(|&unit| {
                    Self::place(self.seed, epoch, self.trajectories[unit])
                });
                order
            }
        }
    }
}

#[cfg(test)]
mod tests;
