//! DFSDT: a depth-first search that goes back two steps from an end (ToolBench, `DFS.py`).

use super::Next;
use super::settings::SearchSettings;
use super::tree::{NodeId, Tree};
use crate::code::Code;
use crate::rollout::PathStep;
use crate::task::Task;

/// How many calls of the published recursion an answer or a give-up ends.
const BACK: usize = 2;

/// Where it stands: the published recursion with its stack spelled out.
pub(super) struct DepthFirst {
    width: usize,
    filter: bool,
    frames: Vec<Frame>,
    expanded: usize,
    /// The node that answered.
    pub answered: Option<NodeId>,
    gave_up: Vec<NodeId>,
}

/// A node that children are made of.
struct Frame {
    node: NodeId,
    /// How many children it has had.
    made: usize,
    /// With a filter: its children, which wait until all are made; then those left, the best last.
    waiting: Vec<NodeId>,
}

impl DepthFirst {
    /// At the root.
    pub fn new(
        tree: &mut Tree,
        root: NodeId,
        width: usize,
        filter: bool,
        settings: &SearchSettings,
    ) -> (Self, Next) {
        let mut search = Self {
            width: width.max(1),
            filter,
            frames: Vec::new(),
            expanded: 0,
            answered: None,
            gave_up: Vec::new(),
        };
        let next = match search.enter(tree, root, settings) {
            None => Next::Ask(root),
            Some(_) => Next::End,
        };
        (search, next)
    }

    /// Goes on from a step below the node that was asked for.
    pub fn take(
        &mut self,
        tree: &mut Tree,
        task: &Task,
        leaf: NodeId,
        settings: &SearchSettings,
    ) -> Next {
        let Some(frame) = self.frames.last_mut() else {
            return Next::End;
        };
        frame.made += 1;
        if tree.code(leaf) == Some(Code::Answered) {
            tree.make_finished(leaf, BACK);
        }
        let mut result = if self.filter {
            frame.waiting.push(leaf);
            if frame.made < self.width {
                return Next::Ask(frame.node);
            }
            order(tree, task, frame, settings);
            None
        } else {
            match self.enter(tree, leaf, settings) {
                None => return Next::Ask(leaf),
                result => result,
            }
        };
        // Calls return until one has another child to make or to go on from.
        loop {
            if let Some(back) = result {
                if self.answered.is_some() {
                    return Next::End;
                }
                if back > 1 {
                    let Some(frame) = self.frames.pop() else {
                        return Next::End;
                    };
                    if self.filter {
                        tree.make_finished(frame.node, BACK);
                    }
                    result = Some(back - 1);
                    continue;
                }
            }
            let Some(frame) = self.frames.last_mut() else {
                return Next::End;
            };
            if frame.made < self.width {
                return Next::Ask(frame.node);
            }
            match frame.waiting.pop() {
                Some(child) => match self.enter(tree, child, settings) {
                    None => return Next::Ask(child),
                    ended => result = ended,
                },
                None => {
                    self.frames.pop();
                    result = Some(1);
                }
            }
        }
    }

    /// The published call at a node: how many calls end with it, or none where children are to be made of it.
    fn enter(&mut self, tree: &mut Tree, id: NodeId, settings: &SearchSettings) -> Option<usize> {
        let code = tree.code(id);
        let node = tree.node_mut(id);
        node.expand_num = self.expanded;
        self.expanded += 1;
        if code == Some(Code::Answered) {
            self.answered = Some(id);
            return Some(BACK);
        }
        if node.depth >= settings.depth || node.pruned {
            node.pruned = true;
            if code == Some(Code::GaveUp) {
                self.gave_up.push(id);
                return Some(BACK);
            }
            return Some(1);
        }
        self.frames.push(Frame {
            node: id,
            made: 0,
            waiting: Vec::new(),
        });
        None
    }

    /// The node that answers; else the last that gave up. (The published search draws one of those.)
    pub fn chosen(&self) -> Option<NodeId> {
        self.answered.or(self.gave_up.last().copied())
    }
}

/// Sorts a node's children, the best last.
fn order(tree: &Tree, task: &Task, frame: &mut Frame, settings: &SearchSettings) {
    let mut scores = Vec::new();
    if let Some(rank) = settings.rank.as_ref().filter(|_| frame.waiting.len() > 1) {
        let path = tree.path(frame.node);
        let path: Vec<&PathStep> = path.iter().map(|step| &step.step).collect();
        let steps = frame.waiting.iter().filter_map(|&id| tree.step(id));
        let candidates: Vec<&PathStep> = steps.map(|step| &step.step).collect();
        scores = rank.scores(task, &path, &candidates);
    }
    scores.resize(frame.waiting.len(), f64::NEG_INFINITY);
    let mut ranked: Vec<(f64, NodeId)> = scores.into_iter().zip(frame.waiting.drain(..)).collect();
    ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    frame.waiting = ranked.into_iter().rev().map(|(_, id)| id).collect();
}
