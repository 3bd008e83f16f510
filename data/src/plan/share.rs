//! A step divided among ranks that train one model together.

use super::micro::{nodes, parts};
use super::step::{StepBatches, StepLayout, label_tokens, names};
use crate::encode::TokenExample;
use crate::prepared::{ExampleSet, PreparedError};
use glpft_recipes::Packing;
use std::collections::BTreeMap;

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

/// How many examples are read at once for each rank where there may be very many.
const AT_ONCE: usize = 256;

impl StepLayout {
    /// As [`batches`](Self::batches), but the micro-batches are those of one rank's share of the step alone; the examples
    /// and their label tokens are those of the whole step. A pure function of its arguments.
    ///
    /// A trajectory's examples stay on one rank where that is no slower, since they share their prefixes; else its tree is cut.
    /// Where there are fewer examples than ranks, some ranks get nothing.
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
        let rank_of = self.divide(&examples, share);
        let own: Vec<u32> = of_rank(&rank_of, step, share.rank);
        let batches = match own.is_empty() {
            true => StepBatches::default(),
            false => self.batches(set, &own)?,
        };
        // Told once.
        let again = match (share.rank, self) {
            (
                0,
                Self::Packed {
                    packing: Packing::Tree,
                    ..
                },
            ) => computed_again(&examples, &rank_of),
            _ => 0,
        };
        Ok(StepBatches {
            examples: names(&examples),
            label_tokens: label_tokens(&examples),
            recomputed_tokens: batches.recomputed_tokens + again,
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
        let mut own = Vec::new();
        // Some at a time, so that a large set is never in memory as a whole.
        for examples in examples.chunks(AT_ONCE * share.ranks) {
            let read: Vec<TokenExample> = examples
                .iter()
                .map(|&index| set.example(index as usize))
                .collect::<Result<_, _>>()?;
            own.extend(of_rank(&self.divide(&read, share), examples, share.rank));
        }
        Ok(own)
    }

    /// The rank of each example: of several ways to divide them the one whose busiest rank has least to do. Whole trajectories
    /// come first; where they are few or uneven, their trees are cut, and what the parts share is computed on several ranks.
    /// Rows share nothing.
    fn divide(self, examples: &[TokenExample], share: Share) -> Vec<usize> {
        let all: Vec<u32> = (0..examples.len() as u32).collect();
        if let Self::Packed {
            packing: Packing::Rows | Packing::None,
            ..
        } = self
        {
            let each: Vec<Vec<u32>> = all.iter().map(|&index| vec![index]).collect();
            return assign(examples, &each, share).1;
        }
        let whole = parts(examples, &all, usize::MAX);
        let nodes: usize = whole.iter().map(|part| nodes(examples, part)).sum();
        let mut best: Option<(u128, Vec<usize>)> = None;
        for pieces in [1, share.ranks, 2 * share.ranks] {
            let budget = match pieces {
                1 => usize::MAX,
                _ => nodes.div_ceil(pieces).max(1),
            };
            let (most, rank_of) = assign(examples, &parts(examples, &all, budget), share);
            if best.as_ref().is_none_or(|(least, _)| most < *least) {
                best = Some((most, rank_of));
            }
        }
        best.map(|(_, rank_of)| rank_of).unwrap_or_default()
    }
}

/// The examples of a rank.
fn of_rank(rank_of: &[usize], step: &[u32], rank: usize) -> Vec<u32> {
    let of = rank_of.iter().zip(step);
    of.filter(|(of, _)| **of == rank)
        .map(|(_, &index)| index)
        .collect()
}

/// Gives the most expensive part to the rank that has least so far, and so on; what the busiest rank then has to do, and the
/// rank of each example.
fn assign(examples: &[TokenExample], parts: &[Vec<u32>], share: Share) -> (u128, Vec<usize>) {
    let costs: Vec<u128> = parts
        .iter()
        .map(|part| cost(examples, part, share.hidden_size))
        .collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&part| (std::cmp::Reverse(costs[part]), part));
    let mut load = vec![0_u128; share.ranks];
    let mut rank_of = vec![0; examples.len()];
    for part in order {
        let least = (0..share.ranks).min_by_key(|&rank| (load[rank], rank));
        let rank = least.unwrap_or_default();
        load[rank] += costs[part];
        for &example in &parts[part] {
            rank_of[example as usize] = rank;
        }
    }
    (load.into_iter().max().unwrap_or_default(), rank_of)
}

/// The nodes that each trajectory has on all ranks together, less those of its whole tree.
fn computed_again(examples: &[TokenExample], rank_of: &[usize]) -> usize {
    let all: Vec<u32> = (0..examples.len() as u32).collect();
    let again = parts(examples, &all, usize::MAX).into_iter().map(|whole| {
        let mut on_ranks: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for &example in &whole {
            let rank = rank_of[example as usize];
            on_ranks.entry(rank).or_default().push(example);
        }
        let computed: usize = on_ranks.values().map(|part| nodes(examples, part)).sum();
        computed - nodes(examples, &whole)
    });
    again.sum()
}

/// What a part costs, in multiplications of a layer: a node asks for about 12 h² of them (h the hidden size; the four
/// projections of attention and the three of a feed-forward layer of 8/3 h), and for 2 h with each node that it attends to.
/// Nodes are taken to stand as deep as they do on average in a tree as long as its longest example.
fn cost(examples: &[TokenExample], part: &[u32], hidden_size: usize) -> u128 {
    let length = |&index: &u32| examples[index as usize].tokens.len();
    let depth = part.iter().map(length).max().unwrap_or_default() as u128;
    let hidden = hidden_size as u128;
    nodes(examples, part) as u128 * (12 * hidden * hidden + hidden * depth + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn sum(shares: &[StepBatches], count: fn(&crate::Batch) -> usize) -> usize {
        let batches = shares.iter().flat_map(|share| &share.batches);
        batches.map(count).sum()
    }

    #[test]
    fn every_example_is_on_one_rank() {
        let set = vec![
            example(0, 0, 9),
            example(1, 0, 30),
            example(0, 1, 12),
            example(2, 0, 11),
            example(3, 0, 10),
        ];
        for ranks in 1..=6 {
            let shares = shares(&set, ranks);
            assert_eq!(sum(&shares, |batch| batch.label_tokens), 5, "{ranks} ranks");
            assert_eq!(sum(&shares, |batch| batch.real_tokens), 72);
            // The first trajectory's examples share nine tokens where they are on one rank.
            let again: usize = shares.iter().map(|share| share.recomputed_tokens).sum();
            assert_eq!(sum(&shares, crate::Batch::computed_tokens), 63 + again);
            for share in &shares {
                assert_eq!(share.examples.len(), 5);
                assert_eq!(share.label_tokens, [1; 5]);
            }
        }
        assert_eq!(shares(&set, 2)[0].recomputed_tokens, 0);
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

    #[test]
    fn a_trajectory_is_cut_where_that_is_faster() {
        // Two branches that share two tokens of twenty.
        let branch = |turn: u32| {
            let mut one = example(0, turn, 20);
            one.tokens[2..]
                .iter_mut()
                .for_each(|token| *token += 1000 * turn);
            one
        };
        let set = vec![branch(0), branch(1)];
        let shares = shares(&set, 2);
        assert_eq!(sum(&shares[..1], crate::Batch::computed_tokens), 20);
        assert_eq!(sum(&shares, crate::Batch::computed_tokens), 40);
        let again: Vec<usize> = shares.iter().map(|share| share.recomputed_tokens).collect();
        assert_eq!(again, [2, 0]);
        // Nothing is gained where one extends the other.
        let set = vec![example(0, 0, 19), example(0, 1, 20)];
        assert_eq!(
            sum(&self::shares(&set, 2), crate::Batch::computed_tokens),
            20
        );
    }
}
