//! A conversation: a trajectory as turns between the user, the roles and the tools (the pipeline's stage 2).

mod finish;
mod observation;

use glpft_recipes::Observations;
use serde::{Deserialize, Serialize};

use crate::marks::Marks;
use crate::python::json;
use crate::source::{Field, RecordError, shown};
use crate::trajectory::{Tool, Trajectory, read_tools};

pub use finish::{Finish, read_finish};
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
    /// What splits are made by: the query id of a raw answer, else the instruction.
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
        observations: Observations,
    ) -> Result<Self, RecordError> {
        let mut turns = vec![Turn {
            from: Speaker::User,
            value: trajectory.instruction.clone(),
        }];
        // The first two messages are the system's and the user's, whom the instruction stands for.
        for (index, message) in trajectory.chain.iter().enumerate().skip(2) {
            let message = Field::root(message, format!("{}[{index}]", trajectory.place));
            let role = message.key("role")?;
            match role.text()? {
                "assistant" => push_assistant(&message, &mut turns)?,
                "user" => turns.push(Turn {
                    from: Speaker::User,
                    value: message.key("content")?.text()?.to_owned(),
                }),
                "function" => turns.push(Turn {
                    from: Speaker::Observation,
                    value: observation::of_message(&message, observations)?,
                }),
                "system" => {}
                _ => {
                    return Err(RecordError::Unknown {
                        path: role.path(),
                        expected: "system, user, assistant, function",
                        found: shown(role.value()),
                    });
                }
            }
        }
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
            query: instruction.to_owned(),
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

/// An assistant's message as the planner's turn and what the planner handed over to. A message that calls
/// nothing, not even `Finish`, leaves no turn.
fn push_assistant(message: &Field<'_>, turns: &mut Vec<Turn>) -> Result<(), RecordError> {
    let content = message.find_text("content")?;
    let Some(call) = message.find("function_call")? else {
        return Ok(());
    };
    let name = call.key("name")?.text()?;
    let arguments = argument_text(&call.key("arguments")?)?;
    turns.extend(call_turns(content, name, &arguments));
    Ok(())
}

/// The turns of an assistant's message: the planner's, and what the planner handed over to. `content` is the rationale,
/// `None` where the message has none; `name` and `arguments` are of the call, of a function or of `Finish`.
pub fn call_turns(content: Option<&str>, name: &str, arguments: &str) -> Vec<Turn> {
    let rationale = content
        .map(|content| format!("{content}\n"))
        .unwrap_or_default();
    let turn = |from, value| Turn { from, value };
    let planner = |tag| turn(Speaker::Assistant, format!("{rationale} {tag}"));
    if name != "Finish" {
        let call = format!("Action: {name}\nAction Input: {arguments}");
        return vec![planner(NEXT_CALLER), turn(Speaker::Caller, call)];
    }
    match read_finish(arguments, content) {
        Finish::GiveUp => vec![planner(NEXT_GIVE_UP)],
        Finish::Answer(answer) => {
            vec![planner(NEXT_CONCLUSION), turn(Speaker::Conclusion, answer)]
        }
    }
}

/// The arguments' text; an object that stands there unquoted as its JSON text.
fn argument_text(arguments: &Field<'_>) -> Result<String, RecordError> {
    match arguments.value() {
        serde_json::Value::Object(object) => Ok(json::dumps(object)?),
        _ => Ok(arguments.text()?.to_owned()),
    }
}
