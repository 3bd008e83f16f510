//! Records that are the same as one before.
//!
//! What counts is what is learned: a record is a duplicate where records like it that were used before train every role that
//! it would. A record that its source's weight or roles leave out was never used, so it makes no other one a duplicate.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use glpft_recipes::Duplicates;

use super::mixture::do_not_train;
use crate::conversation::Conversation;
use crate::example::Dataset;

/// Of each data set, whether something trains it.
type Trains = [bool; Dataset::ALL.len()];

/// The records that were used.
pub(super) struct Used {
    trained: HashMap<u64, Trains>,
    drops: bool,
}

impl Used {
    pub fn new(duplicates: Duplicates) -> Self {
        Self {
            trained: HashMap::new(),
            drops: duplicates == Duplicates::Drop,
        }
    }

    /// Whether duplicates are left out.
    pub fn drops(&self) -> bool {
        self.drops
    }

    /// Adds a record that is to be used for some data sets, and that was `identity` as its source has it; says whether it is a
    /// duplicate. Where duplicates are left out, one that is new to some of the data sets trains those alone.
    pub fn add(
        &mut self,
        identity: u64,
        conversation: &mut Conversation,
        trains: impl Fn(Dataset) -> bool,
    ) -> bool {
        let example = conversation.marks.example.as_ref();
        let example = example.map(|example| example.dataset);
        let known = self.trained.entry(identity).or_default();
        let mut is_duplicate = true;
        let mut again = Vec::new();
        for (dataset, is_trained) in Dataset::ALL.into_iter().zip(known) {
            if !trains(dataset) || example.is_some_and(|example| example != dataset) {
                continue;
            }
            if *is_trained {
                again.push(dataset);
            }
            is_duplicate &= *is_trained;
            *is_trained = true;
        }
        if self.drops && !is_duplicate {
            for dataset in again {
                do_not_train(conversation, dataset);
            }
        }
        is_duplicate
    }
}

/// What two conversations have in common that are the same to learn from.
pub(super) fn identity(conversation: &Conversation) -> u64 {
    let mut hasher = DefaultHasher::new();
    for tool in &conversation.tools {
        tool.description().hash(&mut hasher);
    }
    for turn in &conversation.turns {
        (turn.from, &turn.value).hash(&mut hasher);
    }
    let marks = &conversation.marks;
    (&marks.instructions, &marks.untaught).hash(&mut hasher);
    if let Some(example) = &marks.example {
        (example.dataset, &example.target).hash(&mut hasher);
        example.prompt.text().to_string().hash(&mut hasher);
    }
    hasher.finish()
}
