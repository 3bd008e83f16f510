//! ToolLLaMA's training data, as ToolBench releases it (`toolllama_G123_dfs_train.json`): the functions inside the system's
//! text, thoughts and calls inside the assistant's.
//!
//! | from | value |
//! |---|---|
//! | system | ends with the list of functions, as Python prints it |
//! | user | the instruction and `Begin!`; a later one asks to try something else and begins no new instruction |
//! | assistant | `Thought: …`, `Action: NAME`, `Action Input: {…}` |
//! | function | what was replied |

use serde_json::Value;

use super::chat::{self, Chat};
use super::{Form, tools, turns};
use crate::chat::{ChatCall, ChatFunction, ChatMessage, ChatRole};
use crate::field::{Field, shown};
use crate::python::strip;
use crate::record_error::RecordError;

pub(super) const FORM: Form = Form {
    name: "ToolLLaMA",
    keys: &["conversations", "id"],
    is: |record| {
        turns::list(record).iter().any(|turn| {
            let (from, text) = turns::said(turn);
            from == Some("assistant")
                && turn.get("from").is_some()
                && text.is_some_and(|text| text.contains(ACTION) && text.contains(INPUT))
        })
    },
    read: |record, options| {
        let list = turns::field(record)?;
        let mut functions = Vec::new();
        let mut messages = Vec::new();
        for turn in list.elements()? {
            let from = turn.key("from")?;
            let value = turn.key("value")?;
            let text = value.text()?;
            let path = turn.path();
            match from.text()? {
                "system" => functions = listed(&value)?,
                "user" | "human" => {
                    let text = strip(text);
                    let text = strip(text.strip_suffix("Begin!").unwrap_or(text));
                    messages.push(chat::text(path, ChatRole::User, text));
                }
                "assistant" | "gpt" => messages.push(step(&value, path)?),
                "function" | "tool" | "observation" => {
                    messages.push(chat::text(path, ChatRole::Tool, text));
                }
                _ => {
                    return Err(RecordError::Unknown {
                        path: from.path(),
                        expected: "system, user, assistant, function",
                        found: shown(from.value()),
                    });
                }
            }
        }
        Chat {
            messages,
            functions,
            instructions: false,
        }
        .record(options)
    },
};

const THOUGHT: &str = "Thought:";
const ACTION: &str = "Action:";
const INPUT: &str = "Action Input:";

/// How many places of a system's text are tried as the beginning of its list.
const TRIES: usize = 64;

/// The functions at the end of the system's text.
fn listed(system: &Field<'_>) -> Result<Vec<ChatFunction>, RecordError> {
    let text = strip(system.text()?);
    let found =
        text.match_indices("[{")
            .take(TRIES)
            .find_map(|(at, _)| match tools::parse(&text[at..]) {
                Some(Value::Array(functions)) => Some(functions),
                _ => None,
            });
    let found = found.ok_or_else(|| system.wrong("no list of functions ends it"))?;
    tools::read(found, &system.path())
}

/// A thought and a call.
fn step(value: &Field<'_>, path: String) -> Result<ChatMessage, RecordError> {
    let text = value.text()?;
    let lacks = |what: &str| value.wrong(format!("there is no `{what}` in it"));
    // A thought may speak of actions, arguments may hold anything: the first input belongs to the last action before it.
    let (before, arguments) = text.split_once(INPUT).ok_or_else(|| lacks(INPUT))?;
    let (thought, name) = before.rsplit_once(ACTION).ok_or_else(|| lacks(ACTION))?;
    let thought = strip(thought);
    let thought = strip(thought.strip_prefix(THOUGHT).unwrap_or(thought));
    let mut message = chat::calls(
        path,
        vec![ChatCall {
            path: value.path(),
            id: None,
            name: strip(name).to_owned(),
            arguments: strip(arguments).to_owned(),
        }],
    );
    message.content = Some(thought.to_owned()).filter(|thought| !thought.is_empty());
    Ok(message)
}
