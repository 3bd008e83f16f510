//! What models have read: keys and values, and the trees that find them.

use super::choose::Choice;
use super::prefixes::Prefixes;
use super::request::TokenRequest;
use super::sequence::Sequence;
use super::slots::{FreeSlots, SlotList};
use crate::cache::Cache;

/// How much room a sequence may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The memory for keys and values, all together.
    pub bytes: usize,
    /// Whether it gets more where it needs more.
    pub alone: bool,
}

/// Keys and values of one backbone's models, as much as there is room for.
#[derive(Debug)]
pub(super) struct Kept {
    /// The keys and values.
    pub cache: Cache,
    free: FreeSlots,
    /// Of each model: what one adapter computed is of no use to another.
    prefixes: Vec<Prefixes>,
    clock: u64,
}

impl Kept {
    /// Of so many models, in a cache that is empty.
    pub fn new(cache: Cache, models: usize) -> Self {
        Self {
            cache,
            free: FreeSlots::default(),
            prefixes: (0..models).map(|_| Prefixes::default()).collect(),
            clock: 0,
        }
    }

    /// How many tokens' keys and values are kept.
    pub fn tokens(&self) -> usize {
        self.prefixes.iter().map(Prefixes::tokens).sum()
    }

    /// Lets go of everything that was read; the memory stays for what is read next.
    pub fn forget(&mut self) {
        let capacity = self.free.capacity();
        self.prefixes.fill_with(Prefixes::default);
        self.free = FreeSlots::default();
        self.free.grow(capacity);
    }

    /// Makes a sequence of a request, its prompt in the tree; none where the cache has no room for it now. One that is
    /// `alone` gets room.
    pub fn admit(
        &mut self,
        index: usize,
        request: &TokenRequest,
        max_positions: usize,
        room: Room,
    ) -> Option<Sequence> {
        self.clock += 1;
        let (now, prompt) = (self.clock, &request.prompt);
        let length = prompt.len();
        // The last token is chosen, not read.
        let new_tokens = request.new_tokens.min(max_positions - length + 1);
        let keys = request.keys(0, prompt);
        let tree = &mut self.prefixes[request.tree()];
        let mut found = tree.find(&keys, now);
        tree.cut(&mut found);
        // The scores after the prompt come of its last token, which is therefore computed in any case.
        let cached = found.tokens.min(length - 1);
        let held = found.node;
        if let Some(node) = held {
            tree.hold(node);
        }
        let room = self.room(length - cached + new_tokens - 1, room);
        let tree = &mut self.prefixes[request.tree()];
        let mut node = held;
        let sequence = room.map(|room| {
            let mut slots = found.slots.part(0, cached);
            slots.extend(&room);
            let mut own = cached;
            if found.tokens == cached {
                let rest = room.part(0, length - cached);
                node = tree.add(found, &keys[cached..], rest, now);
                if let Some(node) = node {
                    tree.hold(node);
                }
                own = length;
            } else if let Some(node) = node {
                tree.hold(node);
            }
            Sequence {
                request: index,
                tokens: prompt.clone(),
                prompt: length,
                computed: cached,
                cached,
                slots,
                own,
                node,
                new_tokens,
                choice: Choice::new(request.sampling, prompt),
            }
        });
        if let Some(node) = held {
            tree.release(node);
        }
        sequence
    }

    /// Room for `count` tokens: free, new, or that of what nobody has asked for longest. None where all of it is in use,
    /// unless it is for something that is `alone`.
    fn room(&mut self, count: usize, Room { bytes, alone }: Room) -> Option<SlotList> {
        /// Room is made in steps of so many tokens at least.
        const STEP: usize = 1024;
        let limit = bytes / self.cache.token_bytes().max(1);
        loop {
            if let Some(slots) = self.free.take(count) {
                return Some(slots);
            }
            let capacity = self.free.capacity();
            let least = capacity + count - self.free.free();
            if least <= limit {
                let wanted = least.max(capacity * 2).max(capacity + STEP);
                self.grow(wanted.min(limit));
            } else if !self.drop_oldest() {
                if !alone {
                    return None;
                }
                self.grow(least);
            }
        }
    }

    /// Lets go of what was kept longest until the limit holds, if what answers under way need allows it.
    pub fn trim(&mut self, bytes: usize) {
        let limit = bytes / self.cache.token_bytes().max(1);
        // Within its limit the cache cannot hold too much, and nothing is counted.
        while self.free.capacity() > limit
            && self.free.capacity() - self.free.free() > limit
            && self.drop_oldest()
        {}
    }

    fn grow(&mut self, capacity: usize) {
        self.cache.grow(capacity);
        self.free.grow(capacity);
    }

    fn drop_oldest(&mut self) -> bool {
        let trees = self.prefixes.iter().enumerate();
        let oldest = trees
            .filter_map(|(model, tree)| Some((tree.oldest()?, model)))
            .min();
        let Some(((_, node), model)) = oldest else {
            return false;
        };
        let slots = self.prefixes[model].drop_leaf(node);
        self.free.give(&slots);
        true
    }

    /// Puts what a finished sequence computed into the tree, for prompts that go on after its answer.
    pub fn keep(&mut self, request: &TokenRequest, sequence: Sequence) {
        let tree = &mut self.prefixes[request.tree()];
        let computed = &request.keys(0, &sequence.tokens[..sequence.computed])[..];
        let found = tree.find(computed, self.clock);
        let known = found.tokens.max(sequence.own).min(computed.len());
        if found.tokens >= sequence.own {
            let slots = sequence.slots.part(known, computed.len());
            tree.add(found, &computed[known..], slots, self.clock);
            self.free.give(&sequence.slots.part(sequence.own, known));
            self.free
                .give(&sequence.slots.part(computed.len(), usize::MAX));
        } else {
            self.free
                .give(&sequence.slots.part(sequence.own, usize::MAX));
        }
        if let Some(node) = sequence.node {
            tree.release(node);
        }
    }
}
