//! A turn of a conversation, and who speaks it.

use serde::{Deserialize, Serialize};

use crate::field::{Field, shown};
use crate::record_error::RecordError;

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
