//! What is known of a conversation beside its turns. None of it stands in the published files.

use std::collections::BTreeSet;

use crate::example::{Dataset, Prompt};

/// What is known of a conversation beside its turns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    /// The turns of the user that begin a new instruction, in order. The first turn need not be told.
    pub instructions: Vec<usize>,
    /// What the user says in these, without the text of a system's message.
    pub later_queries: Vec<String>,
    /// What is not learned: a target's turn, and the data set that does without it. It stays in histories.
    pub untaught: BTreeSet<(usize, Dataset)>,
    /// Where the record is an example already, that example; the conversation has no others.
    pub example: Option<GivenExample>,
    /// How many calls were made together with one before them.
    pub parallel_calls: usize,
    /// How many tools' replies were cut at [`OBSERVATION_CHARACTERS`](crate::OBSERVATION_CHARACTERS).
    pub cut_replies: usize,
    /// Steps that are not learned because something is wrong with them, and what.
    pub faults: Vec<StepFault>,
}

/// An example as a source gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenExample {
    /// The data set that it is of.
    pub dataset: Dataset,
    /// What the model reads.
    pub prompt: Prompt,
    /// What it must answer.
    pub target: String,
}

/// What is wrong with a step, so that it is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// It calls a function that is not offered.
    NotOffered,
    /// Its arguments are no JSON object.
    NoJson,
}

impl FaultKind {
    /// What such steps do, for people.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::NotOffered => "calls of functions that are not offered",
            FaultKind::NoJson => "calls whose arguments are not a JSON object",
        }
    }
}

/// A step that is not learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// Where, and what.
    pub reason: String,
}

impl Marks {
    /// Leaves a step's turn out of what every data set learns.
    pub(crate) fn do_not_teach(&mut self, turn: usize) {
        self.untaught
            .extend(Dataset::ALL.map(|dataset| (turn, dataset)));
    }

    /// How many turns there are that some data set does not learn from.
    pub(crate) fn untaught_turns(&self) -> usize {
        let turns: BTreeSet<usize> = self.untaught.iter().map(|(turn, _)| *turn).collect();
        turns.len()
    }

    /// Whether some data set does not learn from a turn.
    pub(crate) fn is_untaught(&self, turn: usize) -> bool {
        Dataset::ALL
            .into_iter()
            .any(|dataset| !self.teaches(turn, dataset))
    }

    /// Whether a data set learns from the target in a turn.
    pub fn teaches(&self, turn: usize, dataset: Dataset) -> bool {
        !self.untaught.contains(&(turn, dataset))
    }
}
