//! What the model reads: a set of token paths as a forest, flattened to one sequence.

mod tree;
mod trunk;

pub(crate) use tree::common_prefix;
pub use tree::tree_tokens;
pub use trunk::{Branches, Trunk};

use crate::encode::TokenExample;
use tree::Forest;

/// Something to predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The position in the flat sequence whose output predicts `token`.
    pub hidden: u32,
    /// The token to predict.
    pub token: u32,
    /// How many examples hold the token as a label here.
    pub weight: f32,
}

/// Token paths as a forest in preorder, flattened to one sequence.
///
/// A plain row is a tree with one branch, so a batch of rows and a batch of prefix trees have the same form. Node
/// `q` attends to node `k` iff `k <= q && q < subtree_end[k]`, which holds exactly for `q` itself and its ancestors.
///
/// The loss of a batch is `Σ weight · −log p(token | hidden)`; its gradient is the sum over the examples whichever
/// builder made the batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The nodes' tokens, in preorder.
    pub tokens: Vec<u32>,
    /// The nodes' depths: 0 at each root. What RoPE takes for the position.
    pub positions: Vec<u32>,
    /// One past the last node of each node's subtree.
    pub subtree_end: Vec<u32>,
    /// What is predicted from where, by rising position of the predicted node; several may share a `hidden`.
    pub targets: Vec<Target>,
    /// The examples' lengths summed: the tokens that rows without padding would compute.
    pub real_tokens: usize,
    /// The targets' weights summed.
    pub label_tokens: usize,
    /// The examples in the batch.
    pub examples: usize,
    /// Where the nodes grow from, where only the roles' own texts are nodes. Positions go on from there.
    pub branches: Option<Branches>,
}

impl Batch {
    /// Each example on its own, in the order given.
    ///
    /// # Panics
    /// Where the examples hold 2³² tokens or more.
    pub fn rows(examples: &[&TokenExample]) -> Self {
        let mut forest =
            Forest::with_capacity(examples.iter().map(|example| example.tokens.len()).sum());
        for example in examples {
            forest.add(example, 0);
        }
        forest.finish()
    }

    /// Shared prefixes once, whichever trajectories the examples are of: nodes merge on token ids alone, and equal
    /// examples entirely. The result does not depend on the examples' order.
    ///
    /// # Panics
    /// Where the tree holds 2³² tokens or more.
    pub fn tree(examples: &[&TokenExample]) -> Self {
        let sorted = tree::sorted(examples);
        let shared = tree::shared_prefixes(&sorted);
        let total = sorted
            .iter()
            .zip(&shared)
            .map(|(example, shared)| example.tokens.len() - shared)
            .sum();
        let mut forest = Forest::with_capacity(total);
        for (example, shared) in sorted.iter().zip(shared) {
            forest.add(example, shared);
        }
        forest.finish()
    }

    /// The nodes, and those that they grow from: tokens that the model computes.
    pub fn computed_tokens(&self) -> usize {
        let trunk = self.branches.as_ref();
        self.len() + trunk.map_or(0, |branches| branches.trunk.len())
    }

    /// The nodes.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether node `query` attends to node `key`.
    pub fn attends(&self, query: usize, key: usize) -> bool {
        key <= query && query < self.subtree_end[key] as usize
    }

    /// Tokens of the examples per token computed, 1 where nothing is shared.
    pub fn sharing(&self) -> f64 {
        if self.is_empty() {
            1.0
        } else {
            self.real_tokens as f64 / self.computed_tokens() as f64
        }
    }
}

#[cfg(test)]
#[path = "batch/tests.rs"]
mod tests;
