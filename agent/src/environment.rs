//! What a step of an agent comes to.

pub use glpft_data::OBSERVATION_CHARACTERS;
use glpft_data::lenient_object;
use glpft_data::python::{first_chars, json};
use serde::Serialize;
use serde_json::Value;

use crate::calls::Unreached;
use crate::code::Code;
use crate::policy_message::FINISH;
use crate::reply::ToolReply;
use crate::task::Task;
use crate::tool_server::ToolServer;

/// What the environment says to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The content of the `function` message: most often Python's JSON of `{"error", "response"}`, cut.
    pub content: String,
    /// What it means.
    pub code: Code,
    /// Why no tool was reached, where a call reached none.
    pub unreached: Option<Unreached>,
}

/// Takes a step (ToolBench, `rapidapi_wrapper.step`): calls the function of this very name, or ends the path.
///
/// (The published one takes the first function whose name *ends with* the step's, so an empty name calls the first.)
/// Whatever the server replies, the content is text of at most `characters` printable characters and three dots: other
/// ones are escaped, and text that spells a role or a special token stays text.
pub fn step(
    task: &Task,
    server: &dyn ToolServer,
    function: &str,
    arguments: &str,
    characters: usize,
) -> Observed {
    if function == FINISH {
        let (content, code) = finish(arguments);
        return Observed {
            content: content.to_owned(),
            code,
            unreached: None,
        };
    }
    let reply = match task.function(function) {
        Some(function) => server.call(&function.api, arguments),
        None => ToolReply::failed(
            Code::NoSuchFunction,
            format!("No such function name: {function}"),
        ),
    };
    Observed {
        content: content(&reply, characters),
        code: reply.code,
        unreached: reply.unreached,
    }
}

#[derive(Serialize)]
struct Content<'r> {
    error: &'r str,
    response: Response<'r>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Response<'r> {
    Text(&'r str),
    Other(&'r Value),
}

/// `json.dumps` of a reply, as much of it as is kept. A reply of many megabytes is not written out for that.
fn content(reply: &ToolReply, characters: usize) -> String {
    // No text gets shorter when it is written as JSON: its first characters are enough, and quicker to look through.
    let enough = |text| first_chars(text, characters);
    let content = Content {
        error: enough(&reply.error),
        response: match &reply.response {
            Value::String(text) => Response::Text(enough(text)),
            other => Response::Other(other),
        },
    };
    // All of it is ASCII: a byte is a character. One more tells whether there is more.
    let mut text = match json::dumps_first(&content, characters + 1) {
        Ok(text) => text,
        Err(error) => format!("{{\"error\": \"the reply cannot be written: {error}\""),
    };
    if text.len() > characters {
        text.truncate(characters);
        text.push_str("...");
    }
    text
}

/// What a call of `Finish` comes to. The texts are ToolBench's, broken JSON and all.
fn finish(arguments: &str) -> (&'static str, Code) {
    const NO_TYPE: &str = r#"{error:"must have "return_type""}"#;
    const NO_ANSWER: &str = r#"{error:"must have "final_answer""}"#;
    const BAD_TYPE: &str = r#"{error:""return_type" is not a valid choice"}"#;
    const GAVE_UP: &str = r#"{"response":"chose to give up and restart"}"#;
    const ANSWERED: &str = r#"{"response":"successfully giving the final answer."}"#;
    let (return_type, has_answer) = read_finish(arguments);
    match return_type {
        None => (NO_TYPE, Code::UnreadableFinish),
        Some(ReturnType::GiveUp) => (GAVE_UP, Code::GaveUp),
        Some(ReturnType::Answer) if has_answer => (ANSWERED, Code::Answered),
        Some(ReturnType::Answer) => (NO_ANSWER, Code::UnreadableFinish),
        Some(ReturnType::Other) => (BAD_TYPE, Code::UnreadableFinish),
    }
}

enum ReturnType {
    Answer,
    GiveUp,
    Other,
}

/// The `return_type`, and whether there is a `final_answer`. Arguments that do not parse are read by their keys as far as they
/// go, so an answer that a token limit cut is an answer.
fn read_finish(arguments: &str) -> (Option<ReturnType>, bool) {
    const RETURN_TYPE: &str = "return_type";
    const FINAL_ANSWER: &str = "final_answer";
    let read = json::loads(arguments)
        .ok()
        .or_else(|| lenient_object(arguments, &[RETURN_TYPE, FINAL_ANSWER]).map(|read| read.value));
    // Python ends with an error at JSON that is no object; it has no `return_type`.
    let Some(Value::Object(object)) = read else {
        return (None, false);
    };
    let return_type = object.get(RETURN_TYPE).map(|value| match value.as_str() {
        Some("give_answer") => ReturnType::Answer,
        Some("give_up_and_restart") => ReturnType::GiveUp,
        _ => ReturnType::Other,
    });
    (return_type, object.contains_key(FINAL_ANSWER))
}

#[cfg(test)]
mod tests;
