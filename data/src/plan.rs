//! What each training step reads, planned from lengths and seeds alone.

mod micro;
mod step;

pub use micro::micro_batches;
pub use step::StepBatches;

use crate::random::{Purpose, Random};
use glpft_recipes::{Sampling, Stage};

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
    batch: usize,
    seed: u64,
    stage: Stage,
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
        let units = match sampling {
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
            units,
            batch: batch.max(1),
            seed,
            stage,
        }
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
        Random::new(
            self.seed,
            Some(self.stage),
            u64::from(epoch),
            Purpose::Shuffle,
        )
        .permutation(self.units.len())
    }
}

#[cfg(test)]
mod tests;
