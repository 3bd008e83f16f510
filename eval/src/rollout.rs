//! A rollout as files have it: what judges judge.

use std::ops::AddAssign;

use glpft_agent::{Calls, Code, PathStep, Rollout, RolloutEnd};
use serde::{Deserialize, Serialize};

/// A task as far as an agent came with it: a line of `rollouts.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRecord {
    /// The task's id.
    pub task: String,
    /// The test set that the task belongs to.
    pub group: String,
    /// The user's query.
    pub query: String,
    /// How it ended.
    pub end: End,
    /// The answer; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The path that ended so; where nothing did, the last one.
    pub path: Vec<StepOfPath>,
    /// The steps that were said in all, those of other paths included.
    pub query_count: usize,
    /// What the models read and wrote.
    #[serde(default)]
    pub usage: Usage,
    /// The calls that were made, those of other paths included.
    #[serde(default, skip_serializing_if = "Calls::is_empty")]
    pub calls: Calls,
    /// The file of the whole tree in ToolBench's format, from the evaluation's directory; empty where there is none.
    #[serde(default)]
    pub answer_file: String,
}

/// What models read and wrote, in tokens; all zero where no model spoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Their prompts'.
    pub prompt_tokens: usize,
    /// Those of them that did not have to be computed.
    pub cached_tokens: usize,
    /// Those that were generated.
    pub new_tokens: usize,
    /// Steps whose prompts lacked their oldest turns, since they did not fit the model.
    #[serde(default, skip_serializing_if = "is_none")]
    pub shortened_steps: usize,
    /// Steps that nobody was asked for, since no prompt fitted the model.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refused_steps: usize,
    /// Texts that were ended since they repeated themselves.
    #[serde(default, skip_serializing_if = "is_none")]
    pub stopped_repeats: usize,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// `Finish` with an answer.
    Answer,
    /// `Finish` with a give-up.
    GiveUp,
    /// Without `Finish`.
    Nothing,
}

/// A step of a path: a thought, a call, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOfPath {
    /// The thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// The function that was called.
    pub function: String,
    /// Its arguments, as they were written.
    pub arguments: String,
    /// What the environment replied, as the agent read it.
    pub observation: String,
    /// What that means: a [`Code`]'s number.
    pub code: u8,
}

impl StepOfPath {
    /// Whether a tool replied, and did not merely say what went wrong.
    pub fn replied(&self) -> bool {
        self.code == Code::Replied.number()
    }
}

impl RolloutRecord {
    /// What is kept of `rollout`, of a task of `group`, its tree in the file `answer_file`.
    pub fn new(rollout: &Rollout, group: &str, answer_file: String) -> Self {
        let (end, answer) = match &rollout.end {
            RolloutEnd::Answer(answer) => (End::Answer, Some(answer.clone())),
            RolloutEnd::GiveUp => (End::GiveUp, None),
            RolloutEnd::Nothing => (End::Nothing, None),
        };
        Self {
            task: rollout.task.clone(),
            group: group.to_owned(),
            query: rollout.query.clone(),
            end,
            answer,
            path: rollout.path.iter().map(StepOfPath::from).collect(),
            query_count: rollout.query_count,
            usage: Usage::from(rollout.usage),
            calls: rollout.calls.clone(),
            answer_file,
        }
    }

    /// The answer; nothing where it ended otherwise.
    pub fn answer(&self) -> &str {
        match self.end {
            End::Answer => self.answer.as_deref().unwrap_or_default(),
            End::GiveUp | End::Nothing => "",
        }
    }
}

impl From<&PathStep> for StepOfPath {
    fn from(step: &PathStep) -> Self {
        Self {
            thought: step.said.thought.clone(),
            function: step.said.function.clone(),
            arguments: step.said.arguments.clone(),
            observation: step.observation.clone(),
            code: step.code.number(),
        }
    }
}

impl From<glpft_agent::Usage> for Usage {
    fn from(usage: glpft_agent::Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            new_tokens: usage.new_tokens,
            shortened_steps: usage.shortened_steps,
            refused_steps: usage.refused_steps,
            stopped_repeats: usage.stopped_repeats,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.new_tokens += other.new_tokens;
        self.shortened_steps += other.shortened_steps;
        self.refused_steps += other.refused_steps;
        self.stopped_repeats += other.stopped_repeats;
    }
}
