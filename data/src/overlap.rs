//! What two sources have in common: instructions, and tools.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::conversation::Conversation;
use crate::query::level_query;

/// How many of what stands in both are named.
const NAMED: usize = 10;

/// The instructions and tools of a source.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Levelled instructions, and the first spelling of each.
    instructions: BTreeMap<String, String>,
    /// Tools' names.
    tools: BTreeSet<String>,
}

impl Contents {
    /// Adds a conversation's.
    pub fn add(&mut self, conversation: &Conversation) {
        let spelling = || conversation.instruction.clone();
        self.instructions
            .entry(level_query(&conversation.query))
            .or_insert_with(spelling);
        for tool in &conversation.tools {
            if !self.tools.contains(tool.name()) {
                self.tools.insert(tool.name().to_owned());
            }
        }
    }
}

/// What stands in two sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Instructions, the same word by word.
    pub instructions: Shared,
    /// Tools, by their names.
    pub tools: Shared,
}

/// How much of one kind stands in two sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// How many the first has.
    pub first: usize,
    /// How many the second has.
    pub second: usize,
    /// How many stand in both.
    pub both: usize,
    /// The first of those.
    pub examples: Vec<String>,
}

impl Overlap {
    /// Compares two sources' contents.
    pub fn of(first: &Contents, second: &Contents) -> Self {
        let instructions = second.instructions.iter();
        let instructions: Vec<&String> = instructions
            .filter(|(query, _)| first.instructions.contains_key(*query))
            .map(|(_, spelling)| spelling)
            .collect();
        let tools: Vec<&String> = first.tools.intersection(&second.tools).collect();
        let shared = |first: usize, second: usize, both: Vec<&String>| Shared {
            first,
            second,
            both: both.len(),
            examples: both.into_iter().take(NAMED).cloned().collect(),
        };
        Self {
            instructions: shared(
                first.instructions.len(),
                second.instructions.len(),
                instructions,
            ),
            tools: shared(first.tools.len(), second.tools.len(), tools),
        }
    }
}
