//! A step divided among ranks that train one model together.

use super::step::{StepBatches, StepLayout, label_tokens, names};
use crate::batch::tree_tokens;
use crate::encode::TokenExample;
use crate::prepared::{ExampleSet, PreparedError};
use std::collections::HashMap;

/// One of several ranks that divide each step among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which one, from 0.
    pub rank: usize,
    /// How many there are.
    pub ranks: usize,
    /// The model's hidden size: it says how much the attention of a token costs beside everything else.
    pub hidden_size: usize,
}

impl Share {
    /// The whole step, which nobody divides.
    pub const WHOLE: Self = Self {
        rank: 0,
        ranks: 1,
        hidden_size: 0,
    };
}

impl StepLayout {
    /// As [`batches`](Self::batches), but the micro-batches are those of one rank's share of the step alone; the examples
    /// and their label tokens are those of the whole step. A pure function of its arguments.
    ///
    /// A trajectory's examples stay on one rank, since they share their prefixes. The most expensive trajectory goes first,
    /// each to the rank that has the least so far. Where there are fewer trajectories than ranks, some ranks get nothing.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn shared_batches(
        self,
        set: &dyn ExampleSet,
        step: &[u32],
        share: Share,
    ) -> Result<StepBatches, PreparedError> {
        if share.ranks <= 1 {
            return self.batches(set, step);
        }
        let examples: Vec<TokenExample> = step
            .iter()
            .map(|&index| set.example(index as usize))
            .collect::<Result<_, _>>()?;
        let own: Vec<u32> = divide(&examples, share)
            .iter()
            .zip(step)
            .filter(|(rank, _)| **rank == share.rank)
            .map(|(_, &index)| index)
            .collect();
        let batches = match own.is_empty() {
            true => StepBatches::default(),
            false => self.batches(set, &own)?,
        };
        Ok(StepBatches {
            examples: names(&examples),
            label_tokens: label_tokens(&examples),
            ..batches
        })
    }

    /// The part of `examples` (indices into `set`) that one rank validates on: as a step is divided. A pure function of its
    /// arguments.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn share_of(
        self,
        set: &dyn ExampleSet,
        examples: &[u32],
        share: Share,
    ) -> Result<Vec<u32>, PreparedError> {
        if share.ranks <= 1 {
            return Ok(examples.to_vec());
        }
        let read: Vec<TokenExample> = examples
            .iter()
            .map(|&index| set.example(index as usize))
            .collect::<Result<_, _>>()?;
        Ok(divide(&read, share)
            .iter()
            .zip(examples)
            .filter(|(rank, _)| **rank == share.rank)
            .map(|(_, &index)| index)
            .collect())
    }
}

/// The rank of each example.
fn divide(examples: &[TokenExample], share: Share) -> Vec<usize> {
    let mut group_of: HashMap<u32, usize> = HashMap::new();
    let mut groups: Vec<Vec<&TokenExample>> = Vec::new();
    let mut group = Vec::new();
    for example in examples {
        let number = *group_of.entry(example.trajectory).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[number].push(example);
        group.push(number);
    }
    let costs: Vec<u128> = groups
        .iter()
        .map(|examples| cost(examples, share.hidden_size))
        .collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&number| (std::cmp::Reverse(costs[number]), number));
    let mut load = vec![0_u128; share.ranks];
    let mut rank_of = vec![0; groups.len()];
    for number in order {
        let least = (0..share.ranks).min_by_key(|&rank| (load[rank], rank));
        let rank = least.unwrap_or_default();
        load[rank] += costs[number];
        rank_of[number] = rank;
    }
    group.into_iter().map(|number| rank_of[number]).collect()
}

/// What a trajectory costs, in multiplications of a layer: a node asks for about 12 h² of them (h the hidden size; the four
/// projections of attention and the three of a feed-forward layer of 8/3 h), and for 2 h with each node that it attends to.
/// Nodes are taken to stand as deep as they do on average in a tree as long as its longest example.
fn cost(examples: &[&TokenExample], hidden_size: usize) -> u128 {
    let nodes = tree_tokens(examples) as u128;
    let depth = examples.iter().map(|one| one.tokens.len()).max();
    let (depth, hidden) = (depth.unwrap_or_default() as u128, hidden_size as u128);
    nodes * (12 * hidden * hidden + hidden * depth + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glpft_recipes::Packing;

    fn example(trajectory: u32, turn: u32, length: u32) -> TokenExample {
        TokenExample {
            tokens: (0..length).map(|at| at + 100 * trajectory).collect(),
            label_start: length as usize - 1,
            role_start: 0,
            trajectory,
            turn,
        }
    }

    fn shares(set: &Vec<TokenExample>, ranks: usize) -> Vec<StepBatches> {
        let layout = StepLayout::Packed {
            packing: Packing::Tree,
            micro_batch_tokens: 64,
        };
        let step: Vec<u32> = (0..set.len() as u32).collect();
        let share = |rank| Share {
            rank,
            ranks,
            hidden_size: 8,
        };
        (0..ranks)
            .map(|rank| {
                layout
                    .shared_batches(set, &step, share(rank))
                    .expect("in memory")
            })
            .collect()
    }

    #[test]
    fn every_example_is_on_one_rank_and_trajectories_stay_whole() {
        let set = vec![
            example(0, 0, 9),
            example(1, 0, 30),
            example(0, 1, 12),
            example(2, 0, 11),
            example(3, 0, 10),
        ];
        for ranks in 1..=6 {
            let shares = shares(&set, ranks);
            let sum = |count: fn(&crate::Batch) -> usize| -> usize {
                let batches = shares.iter().flat_map(|share| &share.batches);
                batches.map(count).sum()
            };
            assert_eq!(sum(|batch| batch.label_tokens), 5, "{ranks} ranks");
            assert_eq!(sum(|batch| batch.real_tokens), 72);
            // The first trajectory's examples share nine tokens wherever they are.
            assert_eq!(sum(crate::Batch::computed_tokens), 63);
            for share in &shares {
                assert_eq!(share.examples.len(), 5);
                assert_eq!(share.label_tokens, [1; 5]);
            }
        }
    }

    #[test]
    fn the_most_expensive_comes_first_and_ranks_without_work_take_part() {
        let set = vec![
            example(0, 0, 10),
            example(1, 0, 10),
            example(2, 0, 40),
            example(3, 0, 15),
        ];
        let tokens = |ranks| -> Vec<usize> {
            shares(&set, ranks)
                .iter()
                .map(|share| share.batches.iter().map(|batch| batch.real_tokens).sum())
                .collect()
        };
        assert_eq!(tokens(2), [40, 35]);
        assert_eq!(tokens(5), [40, 15, 10, 10, 0]);
    }
}
