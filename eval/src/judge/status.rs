//! What judges say.

use serde::{Deserialize, Serialize};

/// Whether an answer does what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AnswerStatus {
    /// It does.
    Solved,
    /// That cannot be told.
    Unsure,
    /// It does not.
    Unsolved,
}

/// Whether a task can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TaskStatus {
    /// It can.
    Solvable,
    /// That cannot be told.
    Unsure,
    /// It cannot.
    Unsolvable,
}

/// Which of two answers is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Better {
    /// The first one shown.
    First,
    /// The second one shown.
    Second,
    /// Neither.
    Neither,
}

impl AnswerStatus {
    /// What it counts in StableToolBench's solvable pass rate.
    pub fn score(self) -> f64 {
        match self {
            AnswerStatus::Solved => 1.0,
            AnswerStatus::Unsure => 0.5,
            AnswerStatus::Unsolved => 0.0,
        }
    }
}

impl Better {
    /// The same where the two were shown in the other order.
    pub fn swapped(self) -> Self {
        match self {
            Better::First => Better::Second,
            Better::Second => Better::First,
            Better::Neither => Better::Neither,
        }
    }
}

/// What a judge says, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgment<T> {
    /// What it says.
    pub said: T,
    /// Why.
    pub reason: String,
}

impl<T> Judgment<T> {
    /// A judgment and its reason.
    pub fn new(said: T, reason: impl Into<String>) -> Self {
        Self {
            said,
            reason: reason.into(),
        }
    }
}
