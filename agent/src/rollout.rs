//! What became of a task.

use serde_json::Value;

use crate::policy::Said;
use crate::reply::Code;

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct PathStep {
    /// What was said.
    pub said: Said,
    /// What the environment replied, as the agent reads it: cut to 1024 characters.
    pub observation: String,
    /// What that means.
    pub code: Code,
}

/// How a rollout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutEnd {
    /// With an answer, the `final_answer` of the call of `Finish`.
    Answer(String),
    /// By giving up.
    GiveUp,
    /// Without either: a limit was reached.
    Nothing,
}

/// A task as far as an agent came with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The task's id.
    pub task: String,
    /// The user's query.
    pub query: String,
    /// How it ended.
    pub end: RolloutEnd,
    /// The path that ended so; where nothing did, the last one.
    pub path: Vec<PathStep>,
    /// The steps that were said in all.
    pub query_count: usize,
    /// The answer file of ToolBench's format: the whole tree and `answer_generation`.
    pub answer_file: Value,
}
