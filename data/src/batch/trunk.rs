//! What the roles of a trajectory read alike, apart from what each reads alone: trunk and branches.
//!
//! An adapter that wakes acts on a role's own text, so that what stands before it is the backbone's, the same for every
//! role. It is computed once and never gone back through; only the branches that grow from it are learned on.

use super::tree::{Forest, common_prefix};
use super::{Batch, Target};
use crate::encode::TokenExample;
use std::sync::Arc;

/// The prefix forest of what stands before the roles' own texts, in preorder. It has the form of a [`Batch`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunk {
    /// The nodes' tokens.
    pub tokens: Vec<u32>,
    /// The nodes' depths: 0 at each root.
    pub positions: Vec<u32>,
    /// One past the last node of each node's subtree.
    pub subtree_end: Vec<u32>,
}

/// Where a batch's nodes grow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branches {
    /// What they grow from.
    pub trunk: Arc<Trunk>,
    /// For each node of the batch one past the trunk's node that its branch grows from; 0 where that is none. The node
    /// attends to key `k` of the trunk iff `k < reach && reach <= subtree_end[k]`.
    pub reach: Vec<u32>,
}

/// Examples of one trajectory in groups whose branches have at most `budget` nodes together, in the order of their tokens.
fn branch_groups<'e>(examples: &[&'e TokenExample], budget: usize) -> Vec<Vec<&'e TokenExample>> {
    let mut sorted = examples.to_vec();
    sorted.sort_by_key(|example| {
        let (head, tail) = example.tokens.split_at(example.role_start);
        (head, tail, example.label_start)
    });
    let mut groups: Vec<Vec<&TokenExample>> = Vec::new();
    let mut nodes = 0;
    for example in sorted {
        let (head, tail) = example.tokens.split_at(example.role_start);
        let group = groups.last_mut();
        let shared = match group.as_ref().and_then(|group| group.last()) {
            Some(last) if last.tokens[..last.role_start] == *head => {
                common_prefix(&last.tokens[last.role_start..], tail)
            }
            _ => 0,
        };
        nodes += tail.len() - shared;
        match group {
            Some(group) if nodes <= budget => group.push(example),
            _ => {
                nodes = tail.len();
                groups.push(vec![example]);
            }
        }
    }
    groups
}

impl Trunk {
    /// The trunk of examples, of any roles.
    ///
    /// # Panics
    /// Where it holds 2³² tokens or more.
    pub fn of<'e>(examples: impl IntoIterator<Item = &'e TokenExample>) -> Self {
        let mut heads: Vec<&[u32]> = examples
            .into_iter()
            .map(|example| &example.tokens[..example.role_start])
            .collect();
        heads.sort_unstable();
        heads.dedup();
        let mut forest = Forest::with_capacity(heads.iter().map(|head| head.len()).sum());
        let mut before: &[u32] = &[];
        for head in heads {
            forest.grow(head, common_prefix(before, head));
            before = head;
        }
        let Batch {
            tokens,
            positions,
            subtree_end,
            ..
        } = forest.finish();
        Self {
            tokens,
            positions,
            subtree_end,
        }
    }

    /// The nodes.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// One past the node at the end of a path from a root, 0 of an empty path; none where the trunk has no such path.
    pub fn reach(&self, path: &[u32]) -> Option<u32> {
        // Siblings stand one after the other, each behind the subtree of the one before.
        let (mut node, mut end, mut reach) = (0, self.len(), 0);
        for &token in path {
            while node < end && self.tokens[node] != token {
                node = self.subtree_end[node] as usize;
            }
            if node >= end {
                return None;
            }
            end = self.subtree_end[node] as usize;
            node += 1;
            reach = node as u32;
        }
        Some(reach)
    }
}

impl Batch {
    /// [`branches`](Self::branches) in micro-batches of at most `budget` nodes, each with the examples that share most; what is
    /// longer by itself goes alone. No gradient reaches the trunk, so that it costs nothing to go back through them one after
    /// the other: memory grows with the budget, not with the trajectory. A pure function of its arguments.
    ///
    /// # Panics
    /// As [`branches`](Self::branches).
    pub fn branches_within(
        examples: &[&TokenExample],
        trunk: &Arc<Trunk>,
        budget: usize,
    ) -> Vec<Self> {
        let groups = branch_groups(examples, budget);
        let groups = groups.iter();
        groups.map(|group| Self::branches(group, trunk)).collect()
    }

    /// The roles' own texts alone, growing from a trunk that holds all that stands before them. As in [`tree`](Self::tree),
    /// what examples share there stands once.
    ///
    /// # Panics
    /// Where the trunk lacks what stands before an example's own text, or the tree holds 2³² tokens or more.
    pub fn branches(examples: &[&TokenExample], trunk: &Arc<Trunk>) -> Self {
        let mut own: Vec<(u32, TokenExample)> = examples
            .iter()
            .map(|example| {
                let (head, tail) = example.tokens.split_at(example.role_start);
                let reach = trunk
                    .reach(head)
                    .expect("the trunk is made of these examples");
                let tail = TokenExample {
                    tokens: tail.to_vec(),
                    label_start: example.label_start.saturating_sub(head.len()),
                    role_start: head.len(),
                    ..**example
                };
                (reach, tail)
            })
            .collect();
        own.sort_by(|(reach, a), (other, b)| {
            (reach, &a.tokens, a.label_start).cmp(&(other, &b.tokens, b.label_start))
        });
        let mut forest = Forest::with_capacity(own.iter().map(|(_, tail)| tail.tokens.len()).sum());
        let mut reaches: Vec<u32> = Vec::new();
        let mut depths: Vec<u32> = Vec::new();
        let mut real_tokens = 0;
        let mut before: (u32, &[u32]) = (0, &[]);
        for (reach, tail) in &own {
            let shared = match before {
                (other, tokens) if other == *reach => common_prefix(tokens, &tail.tokens),
                _ => 0,
            };
            let length = forest.len();
            forest.add(tail, shared);
            let added = forest.len() - length;
            reaches.extend(std::iter::repeat_n(*reach, added));
            depths.extend(std::iter::repeat_n(tail.role_start as u32, added));
            real_tokens += tail.role_start;
            before = (*reach, &tail.tokens);
        }
        let mut batch = forest.finish();
        for (position, depth) in batch.positions.iter_mut().zip(depths) {
            *position += depth;
        }
        batch.real_tokens += real_tokens;
        batch.branches = Some(Branches {
            trunk: Arc::clone(trunk),
            reach: reaches,
        });
        debug_assert!(
            batch
                .targets
                .iter()
                .all(|Target { hidden, .. }| (*hidden as usize) < batch.len())
        );
        batch
    }
}
