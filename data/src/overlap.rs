//! What two sources have in common: instructions, and tools.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::conversation::Conversation;
use crate::query::level_query;

/// How many of what stands in both are named.
const NAMED: usize = 10;

/// The least bytes of a later instruction, levelled, that is compared: what is shorter ("Yes, please.", "And in Rome?") says
/// nothing without what was said before it. Scripts that need few letters have more bytes in each.
const SHORTEST_LATER: usize = 20;

/// What the users of a conversation ask for, spelled and levelled, to be compared with others' conversations: what they say
/// first, and what they say later where that says enough to be compared. Texts of the system are no part of it.
pub fn compared_instructions(conversation: &Conversation) -> impl Iterator<Item = (&str, String)> {
    let first = level_query(&conversation.query);
    // The query of a trajectory is levelled already.
    let spelled = match level_query(&conversation.instruction) == first {
        true => &conversation.instruction,
        false => &conversation.query,
    };
    let later = conversation.marks.later_queries.iter();
    let later = later.map(|text| (text.as_str(), level_query(text)));
    let later = later.filter(|(_, levelled)| levelled.len() >= SHORTEST_LATER);
    std::iter::once((spelled.as_str(), first)).chain(later)
}

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
        for (spelled, levelled) in compared_instructions(conversation) {
            let entry = self.instructions.entry(levelled);
            entry.or_insert_with(|| spelled.to_owned());
        }
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
    /// Instructions, the same word by word: each conversation's first, and its later ones that say enough to be compared.
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
