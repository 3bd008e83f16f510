//! The tree that a search grows (ToolBench, `Tree.py`).

use crate::code::Code;
use crate::rollout::PathStep;

/// A node's place in its tree.
pub(super) type NodeId = usize;

/// What a node holds of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    Thought,
    Action,
    ActionInput,
}

impl NodeKind {
    pub fn name(self) -> &'static str {
        match self {
            NodeKind::Thought => "Thought",
            NodeKind::Action => "Action",
            NodeKind::ActionInput => "Action Input",
        }
    }
}

/// A step, which its last node holds.
#[derive(Debug)]
pub(super) struct Step {
    pub step: PathStep,
    /// The user's demand to do otherwise that it was asked for with.
    pub diversity: Option<String>,
    /// The node that it goes on from: the step's before, or a root.
    pub parent: NodeId,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    pub kind: NodeKind,
    pub description: String,
    pub father: Option<NodeId>,
    pub children: Vec<NodeId>,
    pub depth: usize,
    pub pruned: bool,
    pub finished: bool,
    /// The how manieth it was that the search went on from; 0 where it never did.
    pub expand_num: usize,
    pub step: Option<Step>,
}

/// Nodes by number, fathers first. A search with several chains has as many roots.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    pub fn step(&self, id: NodeId) -> Option<&Step> {
        self.nodes[id].step.as_ref()
    }

    /// What the environment said at a node.
    pub fn code(&self, id: NodeId) -> Option<Code> {
        self.step(id).map(|step| step.step.code)
    }

    /// A node that begins a path; ToolBench's are of this kind.
    pub fn add_root(&mut self) -> NodeId {
        self.add(None, NodeKind::ActionInput, "")
    }

    /// A step's nodes below a node: thought, if it has one, action and action input, whose id it returns.
    pub fn add_step(&mut self, below: NodeId, step: Step) -> NodeId {
        let said = step.step.said.clone();
        let mut at = below;
        if let Some(thought) = &said.thought {
            at = self.add(Some(at), NodeKind::Thought, thought);
        }
        at = self.add(Some(at), NodeKind::Action, &said.function);
        at = self.add(Some(at), NodeKind::ActionInput, &said.arguments);
        let node = &mut self.nodes[at];
        node.pruned = step.step.code == Code::GaveUp;
        node.step = Some(step);
        at
    }

    fn add(&mut self, father: Option<NodeId>, kind: NodeKind, description: &str) -> NodeId {
        let id = self.nodes.len();
        if let Some(father) = father {
            self.nodes[father].children.push(id);
        }
        self.nodes.push(Node {
            kind,
            description: description.to_owned(),
            father,
            children: Vec::new(),
            depth: father.map_or(0, |father| self.nodes[father].depth + 1),
            pruned: false,
            finished: false,
            expand_num: 0,
            step: None,
        });
        id
    }

    /// The steps from the root to a step's node.
    pub fn path(&self, id: NodeId) -> Vec<&Step> {
        let mut path = Vec::new();
        let mut at = id;
        while let Some(step) = self.step(at) {
            path.push(step);
            at = step.parent;
        }
        path.reverse();
        path
    }

    /// Every node from a root's child to this one.
    pub fn chain(&self, id: NodeId) -> Vec<NodeId> {
        let mut chain = vec![id];
        let mut at = id;
        while let Some(father) = self.nodes[at].father {
            chain.push(father);
            at = father;
        }
        // The root is no part of it.
        chain.pop();
        chain.reverse();
        chain
    }

    /// Marks a node and those above it as finished, up to the one that is `steps` steps above it (`make_finish`).
    pub fn make_finished(&mut self, id: NodeId, steps: usize) {
        let mut left = steps as isize;
        let mut at = Some(id);
        while let Some(id) = at {
            let node = &mut self.nodes[id];
            node.finished = true;
            if node.kind == NodeKind::ActionInput {
                left -= 1;
            }
            at = if left >= 0 { node.father } else { None };
        }
    }

    /// How many nodes are below a root, itself included, and the most on a path.
    pub fn size(&self, root: NodeId) -> (usize, usize) {
        let mut open = vec![root];
        let (mut size, mut deepest) = (0, 0);
        while let Some(id) = open.pop() {
            let node = &self.nodes[id];
            size += 1;
            deepest = deepest.max(node.depth + 1);
            open.extend(&node.children);
        }
        (size, deepest)
    }
}
