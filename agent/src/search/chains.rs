//! ReACT: one chain after the other (ToolBench, `single_chain.py`).

use super::Next;
use super::settings::SearchSettings;
use super::tree::{NodeId, Tree};
use crate::code::Code;

/// Where it stands.
pub(super) struct Chains {
    wanted: usize,
    /// The last nodes of those that ended.
    pub ended: Vec<NodeId>,
}

impl Chains {
    pub fn new(wanted: usize) -> Self {
        Self {
            wanted: wanted.max(1),
            ended: Vec::new(),
        }
    }

    /// Goes on from a step.
    pub fn take(&mut self, tree: &mut Tree, leaf: NodeId, settings: &SearchSettings) -> Next {
        let answered = tree.code(leaf) == Some(Code::Answered);
        let node = tree.node_mut(leaf);
        if node.depth >= settings.depth && !answered {
            node.pruned = true;
        }
        if !answered && !node.pruned {
            return Next::Ask(leaf);
        }
        self.ended.push(leaf);
        if answered || self.ended.len() >= self.wanted {
            return Next::End;
        }
        Next::Ask(tree.add_root())
    }

    /// The chain that answers; else the last that gave up.
    pub fn chosen(&self, tree: &Tree) -> Option<NodeId> {
        let last_of = |code| {
            let ended = self.ended.iter().rev();
            ended.copied().find(|&leaf| tree.code(leaf) == Some(code))
        };
        last_of(Code::Answered).or_else(|| last_of(Code::GaveUp))
    }
}
