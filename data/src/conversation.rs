//! A conversation: a trajectory as turns between the user, the roles and the tools (the pipeline's stage 2).

mod finish;
mod messages;
mod observation;

use serde::{Deserialize, Serialize};

use crate::marks::Marks;
use crate::query::level_query;
use crate::source::{Field, ReadOptions, RecordError, shown};
use crate::trajectory::{FINISH, Tool, Trajectory, read_tools};

pub(crate) use finish::{FINISH_ARGUMENTS, RecordedEnd};
pub use finish::{Finish, read_finish};
pub use messages::call_turns;
pub use observation::observation_text;

/// Ends a rationale after which the caller answers.
pub const NEXT_CALLER: &str = "Next: caller.";
/// Ends a rationale after which the summarizer answers.
pub const NEXT_CONCLUSION: &str = "Next: conclusion.";
/// Ends a rationale that gives up.
pub const NEXT_GIVE_UP: &str = "Next: give up.";

/// The conclusion of a trajectory that finished without an answer; the summarizer does not learn it.
pub const NO_ANSWER: &str = "none";

/// Who speaks a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The user: the instruction, and demands to try something else.
    User,
    /// The planner: a rationale and what comes next.
    Assistant,
    /// The caller: an API call.
    Caller,
    /// The summarizer: the final answer.
    Conclusion,
    /// The environment: what a call returned.
    Observation,
}

impl Speaker {
    /// The name in files and in rendered histories.
    pub fn name(self) -> &'static str {
        match self {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
            Speaker::Caller => "caller",
            Speaker::Conclusion => "conclusion",
            Speaker::Observation => "observation",
        }
    }

    fn from_name(field: &Field<'_>) -> Result<Self, RecordError> {
        Ok(match field.text()? {
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            "caller" => Speaker::Caller,
            "conclusion" => Speaker::Conclusion,
            "observation" => Speaker::Observation,
            _ => {
                return Err(RecordError::Unknown {
                    path: field.path(),
                    expected: "user, assistant, caller, conclusion, observation",
                    found: shown(field.value()),
                });
            }
        })
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub from: Speaker,
    /// What is said, without the speaker's label.
    pub value: String,
}

/// A trajectory as turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// What splits are made by: the instruction, levelled ([`level_query`]).
    #[serde(skip)]
    pub query: String,
    /// The tools to choose from.
    pub tools: Vec<Tool>,
    /// What the user asks for; also the first turn.
    pub instruction: String,
    /// The turns in order.
    #[serde(rename = "conversations")]
    pub turns: Vec<Turn>,
    /// What else is known of it.
    #[serde(skip)]
    pub marks: Marks,
}

impl Conversation {
    /// Turns a trajectory's messages into turns.
    pub fn from_trajectory(
        trajectory: &Trajectory,
        options: &ReadOptions,
    ) -> Result<Self, RecordError> {
        let turns = messages::read(trajectory, options)?;
        Ok(Self {
            query: trajectory.query.clone(),
            tools: trajectory.tools.clone(),
            instruction: trajectory.instruction.clone(),
            turns,
            marks: Marks::default(),
        })
    }

    /// Reads an element of a stage-2 file.
    pub(crate) fn from_stage(field: &Field<'_>) -> Result<Self, RecordError> {
        let instruction = field.key("instruction")?.text()?;
        let turns = read_turns(&field.key("conversations")?)?;
        Ok(Self {
            query: level_query(instruction),
            tools: read_tools(&field.key("tools")?)?,
            instruction: instruction.to_owned(),
            turns,
            marks: Marks::default(),
        })
    }
}

/// Reads turns as stage-2 files have them.
pub(crate) fn read_turns(field: &Field<'_>) -> Result<Vec<Turn>, RecordError> {
    let mut turns = Vec::new();
    for turn in field.elements()? {
        turns.push(Turn {
            from: Speaker::from_name(&turn.key("from")?)?,
            value: turn.key("value")?.text()?.to_owned(),
        });
    }
    Ok(turns)
}
