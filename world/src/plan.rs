//! How a task is done: what has to be learnt, one call after the other, and by which calls it can be.

use serde_json::{Map, Value};

use crate::truth::Slot;

/// Calls of a task's longest path: a step of an agent is three nodes of a search's tree, whose published depth is 12, and
/// the fourth step is the answer or the give-up.
pub(crate) const MOST_CALLS: usize = 3;

/// Over which tools a task reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// One tool (G1).
    Tool = 1,
    /// Several tools of a category (G2).
    Category,
    /// Several categories (G3).
    Across,
}

/// A call that tells what a step needs, or would if it worked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    /// Its place in the world's list.
    pub api: usize,
    pub arguments: Map<String, Value>,
    /// Whether the reply tells it.
    pub works: bool,
}

/// What is asked of a table; other APIs that tell it are other ways.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asks {
    Columns(Vec<usize>),
    Id,
    Find,
    Pick(&'static str),
}

/// What an id is needed for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Purpose {
    /// What the user wants, such as `the year of the movie Silver River`.
    pub need: String,
    /// The API that tells it, in the world's list.
    pub api: usize,
}

/// Something to be learnt by one call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub table: usize,
    pub asks: Asks,
    /// What it is, such as `the year of the movie Silver River`.
    pub need: String,
    /// Where it is only needed for another function's argument: which function, and what that one tells.
    pub purpose: Option<Purpose>,
    /// What is then known, where a later step needs it: `The id of Silver River is 1234.`
    pub learned: Option<String>,
    /// The straight way first; none where no function of the task tells it.
    pub ways: Vec<Way>,
    /// Steps whose replies hold its arguments.
    pub needs: Vec<usize>,
}

/// The steps of a task, and what is said when they are done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub level: Level,
    pub steps: Vec<Step>,
    /// All that was asked for, as one phrase.
    pub asked: String,
    pub answer: String,
    pub slots: Vec<Slot>,
}

impl Plan {
    /// Whether every step has a way that works.
    pub fn is_solvable(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.ways.iter().any(|way| way.works))
    }

    /// Whether every step's straight way works.
    pub fn is_straight(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.ways.first().is_some_and(|way| way.works))
    }
}
