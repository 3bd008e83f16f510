//! What became of a task.

use glpft_data::python::json;
use serde_json::Value;

use crate::calls::Calls;
use crate::code::Code;
use crate::policy_message::PolicyMessage;
use crate::strategy::Strategy;
use crate::usage::Usage;

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct PathStep {
    /// What was said.
    pub said: PolicyMessage,
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

/// What ended a rollout before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// The steps that it may ask for.
    Queries,
    /// The tokens that its models may read and write.
    Tokens,
    /// The time that it may take.
    Time,
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
    /// What they cost.
    pub usage: Usage,
    /// The calls that they made, those of other paths included.
    pub calls: Calls,
    /// The limit that ended it, if one did.
    pub limit: Option<Limit>,
    /// The answer file of ToolBench's format: the whole tree and `answer_generation`.
    pub answer_file: Value,
}

impl Rollout {
    /// The name of its answer file: `{task}_{strategy}.json`. What reads such files takes the text before the first `_`
    /// for the task's id.
    pub fn file_name(&self, strategy: Strategy) -> String {
        format!("{}_{strategy}.json", self.task)
    }

    /// The answer file's text, as Python's `json.dump(…, indent=2)` writes it.
    ///
    /// # Errors
    /// None that is known.
    pub fn file_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = Vec::new();
        json::dump_nested(&self.answer_file, 0, &mut text)?;
        Ok(text)
    }
}
