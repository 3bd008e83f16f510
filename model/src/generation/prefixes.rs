//! What a model has read: a tree of token ids, and where in the cache the keys and values of each lie.

use std::collections::BTreeMap;

use super::slots::SlotList;

/// A place in the tree.
pub(crate) type NodeId = usize;

/// Tokens that follow one another without a branch.
#[derive(Debug)]
struct Node {
    tokens: Vec<u32>,
    /// The cache's row of each token.
    slots: SlotList,
    /// None at the top.
    parent: Option<NodeId>,
    /// By their first token.
    children: BTreeMap<u32, NodeId>,
    /// Sequences that read it and are not finished.
    users: usize,
    /// When it was last asked for.
    used: u64,
}

/// A radix tree over token ids. The rows that its nodes name are its own.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    nodes: Vec<Option<Node>>,
    roots: BTreeMap<u32, NodeId>,
}

/// The beginning of a text that the tree holds.
#[derive(Debug, Default)]
pub(crate) struct Match {
    /// How many tokens of the text there are in the tree.
    pub tokens: usize,
    /// Their rows in the cache.
    pub slots: SlotList,
    /// The node that holds the last of them.
    pub node: Option<NodeId>,
    /// How many of that node's tokens.
    inside: usize,
}

impl Prefixes {
    /// The longest beginning of `text` that the tree holds; what is found counts as used at `now`.
    pub fn find(&mut self, text: &[u32], now: u64) -> Match {
        let mut found = Match::default();
        loop {
            let children = match found.node {
                None => &self.roots,
                Some(id) => &self.node(id).children,
            };
            let next = text
                .get(found.tokens)
                .and_then(|token| children.get(token).copied());
            let Some(id) = next else {
                return found;
            };
            let node = self.node_mut(id);
            node.used = now;
            let rest = &text[found.tokens..];
            let shared = node.tokens.iter().zip(rest).take_while(|(a, b)| a == b);
            let shared = shared.count();
            found.slots.extend(&node.slots.part(0, shared));
            found.tokens += shared;
            found.node = Some(id);
            found.inside = shared;
            if shared < node.tokens.len() {
                return found;
            }
        }
    }

    /// Puts the rest of a text under what was found of it; it has the rows `slots`. Returns the place of its last token.
    pub fn add(&mut self, found: Match, rest: &[u32], slots: SlotList, now: u64) -> Option<NodeId> {
        debug_assert_eq!(rest.len(), slots.len());
        let Some(&first) = rest.first() else {
            return found.node;
        };
        let parent = found.node.map(|id| self.split(id, found.inside));
        let id = self.place(Node {
            tokens: rest.to_vec(),
            slots,
            parent,
            children: BTreeMap::new(),
            users: 0,
            used: now,
        });
        self.children(parent).insert(first, id);
        Some(id)
    }

    /// Makes a node that ends where `found` does, so that nothing more is held for its sake.
    pub fn cut(&mut self, found: &mut Match) {
        if let Some(id) = found.node {
            found.node = Some(self.split(id, found.inside));
        }
    }

    /// Keeps a node, and with it all above, until [`release`](Self::release).
    pub fn hold(&mut self, id: NodeId) {
        self.node_mut(id).users += 1;
    }

    /// The opposite of [`hold`](Self::hold).
    pub fn release(&mut self, id: NodeId) {
        let node = self.node_mut(id);
        node.users = node.users.saturating_sub(1);
    }

    /// When the node was last used that could be dropped next: the one that nobody has asked for longest.
    pub fn oldest(&self) -> Option<(u64, NodeId)> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter_map(|(id, node)| Some((id, node.as_ref()?)))
            .filter(|(_, node)| node.users == 0 && node.children.is_empty())
            .map(|(id, node)| (node.used, id))
            .min()
    }

    /// Drops a node that has no children and no users; its rows are free.
    pub fn drop_leaf(&mut self, id: NodeId) -> SlotList {
        let Some(node) = self.nodes[id].take() else {
            return SlotList::default();
        };
        debug_assert!(node.users == 0 && node.children.is_empty());
        self.children(node.parent).remove(&node.tokens[0]);
        node.slots
    }

    /// The number of tokens in the tree.
    pub fn tokens(&self) -> usize {
        self.nodes
            .iter()
            .flatten()
            .map(|node| node.tokens.len())
            .sum()
    }

    /// The node that ends after `inside` tokens of node `id`, made where it is none yet. The node keeps its number, so
    /// that whoever holds it keeps all of it.
    fn split(&mut self, id: NodeId, inside: usize) -> NodeId {
        let node = self.node_mut(id);
        if inside == node.tokens.len() {
            return id;
        }
        let lower = node.tokens.split_off(inside);
        let upper = std::mem::replace(&mut node.tokens, lower);
        let slots = node.slots.part(0, inside);
        node.slots = node.slots.part(inside, usize::MAX);
        let (parent, used, next) = (node.parent, node.used, node.tokens[0]);
        let first = upper[0];
        let above = self.place(Node {
            tokens: upper,
            slots,
            parent,
            children: BTreeMap::from([(next, id)]),
            users: 0,
            used,
        });
        self.children(parent).insert(first, above);
        self.node_mut(id).parent = Some(above);
        above
    }

    fn place(&mut self, node: Node) -> NodeId {
        match self.nodes.iter().position(Option::is_none) {
            Some(id) => {
                self.nodes[id] = Some(node);
                id
            }
            None => {
                self.nodes.push(Some(node));
                self.nodes.len() - 1
            }
        }
    }

    fn children(&mut self, parent: Option<NodeId>) -> &mut BTreeMap<u32, NodeId> {
        match parent {
            None => &mut self.roots,
            Some(id) => &mut self.node_mut(id).children,
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        match &self.nodes[id] {
            Some(node) => node,
            None => unreachable!("the tree names no node that was dropped"),
        }
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        match &mut self.nodes[id] {
            Some(node) => node,
            None => unreachable!("the tree names no node that was dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(from: usize, count: usize) -> SlotList {
        let mut list = SlotList::default();
        list.push(from..from + count);
        list
    }

    /// Puts a text into the tree, its new tokens at the rows from `from`; how many it had.
    fn put(tree: &mut Prefixes, text: &[u32], from: usize, now: u64) -> usize {
        let found = tree.find(text, now);
        let had = found.tokens;
        tree.add(found, &text[had..], slots(from, text.len() - had), now);
        had
    }

    #[test]
    fn texts_share_what_they_begin_with() {
        let mut tree = Prefixes::default();
        assert_eq!(put(&mut tree, &[1, 2, 3, 4], 0, 1), 0);
        assert_eq!(put(&mut tree, &[1, 2, 3, 4, 5], 4, 2), 4);
        assert_eq!(put(&mut tree, &[1, 2, 9], 5, 3), 2);
        assert_eq!(put(&mut tree, &[7], 6, 4), 0);
        assert_eq!(tree.tokens(), 7);
        let found = tree.find(&[1, 2, 3, 4, 5, 6], 5);
        assert_eq!((found.tokens, found.slots), (5, slots(0, 5)));
        let found = tree.find(&[1, 2, 9], 5);
        assert_eq!((found.tokens, found.slots.ranges()), (3, &[0..2, 5..6][..]));
        assert_eq!(tree.find(&[2], 5).tokens, 0);
        assert_eq!(tree.find(&[], 5).tokens, 0);
    }

    #[test]
    fn the_oldest_leaf_that_nobody_holds_goes_first() {
        let mut tree = Prefixes::default();
        put(&mut tree, &[1, 2, 3], 0, 1);
        put(&mut tree, &[1, 2, 4], 3, 2);
        put(&mut tree, &[5], 4, 3);
        let held = tree.find(&[1, 2, 3], 1).node;
        let Some(held) = held else {
            panic!("the text is there");
        };
        tree.hold(held);
        // Split while it is held: the lower part is still the one held.
        put(&mut tree, &[1, 6], 5, 6);
        let mut freed = Vec::new();
        while let Some((_, id)) = tree.oldest() {
            freed.extend(tree.drop_leaf(id).ranges().to_vec());
        }
        assert_eq!(freed, [3..4, 4..5, 5..6]);
        assert_eq!(tree.find(&[1, 2, 3], 7).tokens, 3);
        tree.release(held);
        while let Some((_, id)) = tree.oldest() {
            tree.drop_leaf(id);
        }
        assert_eq!(tree.tokens(), 0);
        assert_eq!(put(&mut tree, &[1, 2], 0, 8), 0);
    }
}
