//! Prefix trees over token sequences: sorting brings shared prefixes side by side, so the tree is never searched.

use super::{Batch, Target};
use crate::encode::TokenExample;

/// The examples in the lexicographic order of their tokens, equal ones by first label (so that a prefix comes
/// before what extends it, and the order does not hang on the input's).
pub(crate) fn sorted<'a>(examples: &[&'a TokenExample]) -> Vec<&'a TokenExample> {
    let mut sorted = examples.to_vec();
    sorted.sort_by(|a, b| {
        a.tokens
            .cmp(&b.tokens)
            .then(a.label_start.cmp(&b.label_start))
    });
    sorted
}

/// For each sequence the tokens it shares with the one before it (0 for the first).
pub(crate) fn shared_prefixes(sorted: &[&TokenExample]) -> Vec<usize> {
    let mut shared = Vec::with_capacity(sorted.len());
    for (index, example) in sorted.iter().enumerate() {
        shared.push(if index == 0 {
            0
        } else {
            common_prefix(&sorted[index - 1].tokens, &example.tokens)
        });
    }
    shared
}

/// The nodes of the examples' prefix tree, without building it.
pub fn tree_tokens(examples: &[&TokenExample]) -> usize {
    let sorted = sorted(examples);
    let shared = shared_prefixes(&sorted);
    sorted
        .iter()
        .zip(shared)
        .map(|(example, shared)| example.tokens.len() - shared)
        .sum()
}

/// The length of the longest common prefix.
pub(crate) fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    const STRIDE: usize = 64;
    let length = a.len().min(b.len());
    let mut from = 0;
    // Whole strides compare as memory; only the last one is looked at token by token.
    while from + STRIDE <= length && a[from..from + STRIDE] == b[from..from + STRIDE] {
        from += STRIDE;
    }
    from + a[from..length]
        .iter()
        .zip(&b[from..length])
        .take_while(|(x, y)| x == y)
        .count()
}

/// A forest under construction, in preorder.
pub(super) struct Forest {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    subtree_end: Vec<u32>,
    parents: Vec<u32>,
    weights: Vec<u32>,
    path: Vec<u32>,
    real_tokens: usize,
    label_tokens: usize,
    examples: usize,
}

impl Forest {
    pub(super) fn with_capacity(nodes: usize) -> Self {
        assert!(u32::try_from(nodes).is_ok(), "a batch of {nodes} tokens");
        Self {
            tokens: Vec::with_capacity(nodes),
            positions: Vec::with_capacity(nodes),
            subtree_end: vec![0; nodes],
            parents: Vec::with_capacity(nodes),
            weights: vec![0; nodes],
            path: Vec::new(),
            real_tokens: 0,
            label_tokens: 0,
            examples: 0,
        }
    }

    /// Adds a path whose first `shared` tokens are those of the path before.
    pub(super) fn add(&mut self, example: &TokenExample, shared: usize) {
        self.grow(&example.tokens, shared);
        for position in example.label_positions() {
            self.weights[self.path[position] as usize] += 1;
        }
        self.real_tokens += example.tokens.len();
        self.label_tokens += example.label_tokens();
        self.examples += 1;
    }

    /// The nodes so far.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Adds the nodes of a path whose first `shared` tokens are those of the path before.
    pub(super) fn grow(&mut self, tokens: &[u32], shared: usize) {
        self.close(shared);
        for &token in &tokens[shared..] {
            let node = self.tokens.len() as u32;
            // A root's parent is never read: no label stands at position 0.
            self.parents.push(self.path.last().copied().unwrap_or(node));
            self.positions.push(self.path.len() as u32);
            self.tokens.push(token);
            self.path.push(node);
        }
    }

    /// Ends the subtrees below the first `depth` nodes of the path.
    fn close(&mut self, depth: usize) {
        let end = self.tokens.len() as u32;
        for node in self.path.drain(depth..) {
            self.subtree_end[node as usize] = end;
        }
    }

    pub(super) fn finish(mut self) -> Batch {
        self.close(0);
        // Of the capacity, what paths share is not used.
        self.subtree_end.truncate(self.tokens.len());
        let targets = (0..self.tokens.len())
            .filter(|&node| self.weights[node] > 0)
            .map(|node| Target {
                hidden: self.parents[node],
                token: self.tokens[node],
                weight: self.weights[node] as f32,
            })
            .collect();
        Batch {
            tokens: self.tokens,
            positions: self.positions,
            subtree_end: self.subtree_end,
            targets,
            real_tokens: self.real_tokens,
            label_tokens: self.label_tokens,
            examples: self.examples,
            branches: None,
        }
    }
}
