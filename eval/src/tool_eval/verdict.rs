//! What became of one task.

use serde::{Deserialize, Serialize};

use super::passing::Passing;
use super::winning::WinVerdict;
use crate::rollout::End;

/// What became of one task: a line of `verdicts.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskVerdict {
    /// The task's id.
    pub task: String,
    /// Its test set.
    pub group: String,
    /// How the rollout ended.
    pub end: End,
    /// Whether it passes.
    pub passing: Passing,
    /// How it compares with the reference's; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<WinVerdict>,
}
