//! A step's examples as batches.

use super::micro_batches;
use crate::batch::{Batch, Trunk, tree_tokens};
use crate::encode::TokenExample;
use crate::prepared::{ExampleSet, PreparedError};
use glpft_recipes::{Packing, StageRecipe};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How the examples of a step are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepLayout {
    /// In micro-batches of at most so many tokens.
    Packed {
        /// What a micro-batch is.
        packing: Packing,
        /// The most tokens that are computed at once; what is longer by itself goes alone.
        micro_batch_tokens: usize,
    },
    /// Each trajectory as the branches of a trunk that no gradient reaches.
    Branches {
        /// The most tokens of branches that are computed at once; the trunk's do not count.
        micro_batch_tokens: usize,
    },
}

impl StepLayout {
    /// That of a stage.
    pub fn new(packing: Packing, recipe: &StageRecipe) -> Self {
        match recipe.wakes() {
            true => Self::Branches {
                micro_batch_tokens: recipe.micro_batch_tokens,
            },
            false => Self::Packed {
                packing,
                micro_batch_tokens: recipe.micro_batch_tokens,
            },
        }
    }

    /// Reads a step's examples (indices into `set`) and lays them out. A pure function of its arguments.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn batches(self, set: &dyn ExampleSet, step: &[u32]) -> Result<StepBatches, PreparedError> {
        match self {
            Self::Branches { micro_batch_tokens } => {
                StepBatches::branches(set, step, micro_batch_tokens)
            }
            Self::Packed {
                packing,
                micro_batch_tokens,
            } => StepBatches::new(set, step, packing, micro_batch_tokens),
        }
    }
}

/// What the model reads in one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepBatches {
    /// The micro-batches; see [`micro_batches`].
    pub batches: Vec<Batch>,
    /// The trajectory and the turn of each example, in the step's order.
    pub examples: Vec<(u32, u32)>,
    /// How many label tokens each example has, in the same order.
    pub label_tokens: Vec<usize>,
    /// Tokens that are computed again because the tree of their trajectory was cut to fit the budget: the nodes of its
    /// parts, less those of the whole. 0 where trees are not asked for. The layers that a stage's `recompute` computes again are not
    /// counted.
    pub recomputed_tokens: usize,
}

impl StepBatches {
    /// Reads a step's examples (indices into `set`) and lays out each trajectory's as the branches of one trunk, in
    /// micro-batches of at most `budget` tokens beside the trunk's. A pure function of its arguments.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn branches(
        set: &dyn ExampleSet,
        step: &[u32],
        budget: usize,
    ) -> Result<Self, PreparedError> {
        let examples: Vec<TokenExample> = step
            .iter()
            .map(|&index| set.example(index as usize))
            .collect::<Result<_, _>>()?;
        let trajectories = examples.chunk_by(|one, other| one.trajectory == other.trajectory);
        let batches = trajectories.flat_map(|examples| {
            let trunk = Arc::new(Trunk::of(examples));
            Batch::branches_within(&examples.iter().collect::<Vec<_>>(), &trunk, budget)
        });
        Ok(Self {
            batches: batches.collect(),
            examples: names(&examples),
            label_tokens: label_tokens(&examples),
            recomputed_tokens: 0,
        })
    }

    /// Reads a step's examples (indices into `set`) and lays them out. A pure function of its arguments.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn new(
        set: &dyn ExampleSet,
        step: &[u32],
        packing: Packing,
        budget: usize,
    ) -> Result<Self, PreparedError> {
        let examples: Vec<TokenExample> = step
            .iter()
            .map(|&index| set.example(index as usize))
            .collect::<Result<_, _>>()?;
        let all: Vec<u32> = (0..examples.len() as u32).collect();
        let parts: Vec<Vec<&TokenExample>> = micro_batches(&examples, &all, packing, budget)
            .iter()
            .map(|part| {
                part.iter()
                    .map(|&index| &examples[index as usize])
                    .collect()
            })
            .collect();
        let (build, recomputed_tokens): (fn(&[&TokenExample]) -> Batch, usize) = match packing {
            Packing::Tree => (Batch::tree, recomputed(&parts)),
            Packing::Rows | Packing::None => (Batch::rows, 0),
        };
        Ok(Self {
            batches: parts.iter().map(|part| build(part)).collect(),
            examples: names(&examples),
            label_tokens: label_tokens(&examples),
            recomputed_tokens,
        })
    }
}

/// The trajectory and the turn of each example.
pub(crate) fn names(examples: &[TokenExample]) -> Vec<(u32, u32)> {
    examples
        .iter()
        .map(|one| (one.trajectory, one.turn))
        .collect()
}

pub(super) fn label_tokens(examples: &[TokenExample]) -> Vec<usize> {
    examples.iter().map(TokenExample::label_tokens).collect()
}

/// The nodes that the trajectories have in all micro-batches together, less those of their whole trees.
fn recomputed(parts: &[Vec<&TokenExample>]) -> usize {
    let mut parts_of: BTreeMap<u32, Vec<Vec<&TokenExample>>> = BTreeMap::new();
    for part in parts {
        let trajectories: BTreeSet<u32> = part.iter().map(|example| example.trajectory).collect();
        for trajectory in trajectories {
            let its = part.iter().filter(|one| one.trajectory == trajectory);
            let its = its.copied().collect();
            parts_of.entry(trajectory).or_default().push(its);
        }
    }
    parts_of
        .values()
        .filter(|parts| parts.len() > 1)
        .map(|parts| {
            let computed: usize = parts.iter().map(|part| tree_tokens(part)).sum();
            computed - tree_tokens(&parts.concat())
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(tokens: &[u32], trajectory: u32) -> TokenExample {
        TokenExample {
            tokens: tokens.to_vec(),
            label_start: tokens.len() - 1,
            role_start: 0,
            trajectory,
            turn: 0,
        }
    }

    #[test]
    fn recomputed_tokens_are_those_of_cut_trees() {
        let set = vec![
            example(&[1, 2, 3, 4], 0),
            example(&[1, 2, 3, 5], 0),
            example(&[1, 2, 6], 0),
            example(&[1, 2, 7], 1),
        ];
        let step = |packing, budget| {
            StepBatches::new(&set, &[0, 1, 2, 3], packing, budget).expect("in memory")
        };
        // Whole: 1 2 (3 (4 5) 6 7) in one batch.
        let whole = step(Packing::Tree, 7);
        assert_eq!((whole.batches.len(), whole.recomputed_tokens), (1, 0));
        // 1 2 3 (4 5) and 1 2 (6 7): the first trajectory's 1 2 twice; the other one's are shared, not cut.
        let cut = step(Packing::Tree, 5);
        assert_eq!((cut.batches.len(), cut.recomputed_tokens), (2, 2));
        // Nothing fits with anything: 1 2 3 in two batches, 1 2 in a third.
        assert_eq!(step(Packing::Tree, 1).recomputed_tokens, 5);
        assert_eq!(step(Packing::Rows, 5).recomputed_tokens, 0);
        assert_eq!(whole.examples, [(0, 0), (0, 0), (0, 0), (1, 0)]);
        assert_eq!(whole.label_tokens, [1; 4]);
    }
}
