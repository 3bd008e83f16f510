//! The steps of a conversation, counted.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::conversation::Conversation;
use crate::example::Dataset;
use crate::python::strip;
use crate::tool::HALLUCINATED;
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, NO_ANSWER, Speaker, Turn};

/// How many steps there are, by what they are to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepCounts {
    /// Steps that a planner learns.
    pub planner: usize,
    /// Steps that a caller learns.
    pub caller: usize,
    /// Steps that a summarizer learns.
    pub summarizer: usize,
    /// Steps that a backbone learns.
    pub backbone: usize,
    /// Steps that are learned and whose planner says what comes next and not why, as the source has them.
    pub without_rationale: usize,
    /// Conversations that end without a final answer and without giving up.
    pub without_answer: usize,
    /// Calls made together with one before them.
    pub parallel_calls: usize,
    /// Calls of functions that are not among the tools.
    pub unknown_names: usize,
    /// Later turns of the user that begin a new instruction.
    pub later_instructions: usize,
}

impl StepCounts {
    /// Counts a conversation's steps.
    pub fn of(conversation: &Conversation) -> Self {
        let marks = &conversation.marks;
        let mut counts = Self {
            parallel_calls: marks.parallel_calls,
            later_instructions: marks.instructions.len(),
            ..Self::default()
        };
        if let Some(example) = &marks.example {
            *counts.of_dataset(example.dataset) += 1;
            return counts;
        }
        let turns = &conversation.turns;
        counts.without_answer = usize::from(!turns.last().is_some_and(ends));
        let names: HashSet<&str> = conversation.tools.iter().map(|tool| tool.name()).collect();
        for (index, turn) in turns.iter().enumerate() {
            let next = turns.get(index + 1);
            let hallucinates =
                |turn: &Turn| turn.from == Speaker::Caller && turn.value.contains(HALLUCINATED);
            let mut learned = |dataset: Dataset| {
                let taught = marks.teaches(index, dataset);
                *counts.of_dataset(dataset) += usize::from(taught);
            };
            match turn.from {
                Speaker::Assistant => {
                    let hands_over = next.is_some_and(|next| {
                        matches!(next.from, Speaker::Caller | Speaker::Conclusion)
                    });
                    if !hands_over && !turn.value.contains(NEXT_GIVE_UP) {
                        continue;
                    }
                    learned(Dataset::Backbone);
                    if !next.is_some_and(hallucinates) {
                        learned(Dataset::Planner);
                    }
                    let learned = [Dataset::Backbone, Dataset::Planner];
                    let learned = learned.iter().any(|&one| marks.teaches(index, one));
                    let empty = thought(&turn.value) == Some("");
                    counts.without_rationale += usize::from(learned && empty);
                }
                Speaker::Caller => {
                    if !hallucinates(turn) {
                        learned(Dataset::Caller);
                    }
                    let known = calls(turn).is_some_and(|name| names.contains(name));
                    counts.unknown_names += usize::from(!known);
                }
                Speaker::Conclusion if turn.value != NO_ANSWER => learned(Dataset::Summarizer),
                _ => {}
            }
        }
        counts
    }

    /// Adds another conversation's.
    pub fn add(&mut self, other: Self) {
        for dataset in Dataset::ALL {
            let mut other = other;
            *self.of_dataset(dataset) += *other.of_dataset(dataset);
        }
        self.without_rationale += other.without_rationale;
        self.without_answer += other.without_answer;
        self.parallel_calls += other.parallel_calls;
        self.unknown_names += other.unknown_names;
        self.later_instructions += other.later_instructions;
    }

    fn of_dataset(&mut self, dataset: Dataset) -> &mut usize {
        match dataset {
            Dataset::Backbone => &mut self.backbone,
            Dataset::Planner => &mut self.planner,
            Dataset::Caller => &mut self.caller,
            Dataset::Summarizer => &mut self.summarizer,
        }
    }
}

/// Whether a turn ends a conversation: an answer, or giving up.
fn ends(turn: &Turn) -> bool {
    let gives_up = turn.from == Speaker::Assistant && turn.value.contains(NEXT_GIVE_UP);
    turn.from == Speaker::Conclusion || gives_up
}

/// What a planner's turn says beside what comes next; none where it does not say what comes next.
pub(super) fn thought(value: &str) -> Option<&str> {
    let tags = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP];
    let thought = tags.iter().find_map(|tag| strip(value).strip_suffix(tag))?;
    Some(strip(thought))
}

/// The function that a caller's turn calls.
pub(super) fn calls(turn: &Turn) -> Option<&str> {
    let called = turn.value.strip_prefix("Action: ")?;
    let name = called.split('\n').next()?;
    (turn.from == Speaker::Caller).then_some(name)
}
