//! ShareGPT: `conversations` of `from` and `value`, with `tools` and `system` beside them.
//!
//! A call is a turn of its own (`function_call`), or a tag in the assistant's text (see [`tags`]). Replies have no ids: they
//! answer the calls in order. What the assistant says before a call, without a turn of the user between, is its thought.

use serde_json::Value;

use super::chat::{self, Chat};
use super::{Form, tags, tools, turns};
use crate::chat::{ChatMessage, ChatRole};
use crate::field::{Field, shown};
use crate::python::json;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::source::Record;

pub(super) const FORM: Form = Form {
    name: "ShareGPT",
    keys: &["conversations", "tools"],
    is: is_shaped,
    read,
};

/// Who speaks a turn.
enum Speaker {
    Says(ChatRole),
    Calls,
}

/// Whether a record's turns are spelled as ShareGPT's, or it has the key for them.
pub(super) fn is_shaped(record: &Value) -> bool {
    turns::are_sharegpt(record)
        || record.get("conversations").is_some() && !turns::are_openai(record)
}

pub(super) fn read(record: &Field<'_>, options: &ReadOptions) -> Result<Record, RecordError> {
    let mut messages = Vec::new();
    let mut functions = None;
    if record.value().is_object() {
        functions = tools::beside(record)?;
        if let Some(system) = record.find_text("system")?.filter(|text| !text.is_empty()) {
            messages.push(chat::text("system".to_owned(), ChatRole::System, system));
        }
    }
    for turn in turns::field(record)?.elements()? {
        read_turn(&turn, &mut messages)?;
    }
    let (messages, told) = tags::untag(messages)?;
    Chat {
        messages: one_reply_a_call(messages),
        functions: functions.or(told).unwrap_or_default(),
        instructions: true,
    }
    .record(options)
}

fn read_turn(turn: &Field<'_>, messages: &mut Vec<ChatMessage>) -> Result<(), RecordError> {
    let from = match turn.find("from")? {
        Some(from) => from,
        None => turn.find("role")?.map_or_else(|| turn.key("from"), Ok)?,
    };
    let value = match turn.find("value")? {
        Some(value) => value,
        None => turn
            .find("content")?
            .map_or_else(|| turn.key("value"), Ok)?,
    };
    let weight = weight(turn)?;
    let path = turn.path();
    match speaker(&from)? {
        Speaker::Calls => {
            let mut message = ChatMessage::new(path, ChatRole::Assistant);
            read_calls(&value, &mut message)?;
            message.weight = weight;
            match messages.last_mut() {
                Some(before) if before.role == ChatRole::Assistant => {
                    before.calls.append(&mut message.calls);
                    before.weight = message.weight.or(before.weight);
                    before.reasoning = before.reasoning.take().or(message.reasoning);
                }
                _ => messages.push(message),
            }
        }
        Speaker::Says(role) => {
            let text = match (role, value.value()) {
                (_, Value::String(text)) => text.clone(),
                // What a tool replied may stand there as it is.
                (ChatRole::Tool, other) => json::dumps(other)?,
                _ => return Err(value.not("a string")),
            };
            let mut message = chat::text(path, role, &text);
            message.weight = weight;
            messages.push(message);
        }
    }
    Ok(())
}

fn speaker(from: &Field<'_>) -> Result<Speaker, RecordError> {
    Ok(match from.text()?.to_ascii_lowercase().as_str() {
        "system" => Speaker::Says(ChatRole::System),
        "human" | "user" => Speaker::Says(ChatRole::User),
        "gpt" | "assistant" | "model" | "chatgpt" | "bot" => Speaker::Says(ChatRole::Assistant),
        "observation" | "tool" | "tool_response" | "function" | "function_response" => {
            Speaker::Says(ChatRole::Tool)
        }
        "function_call" | "tool_call" => Speaker::Calls,
        _ => {
            return Err(RecordError::Unknown {
                path: from.path(),
                expected: "system, human, gpt, function_call, observation, tool",
                found: shown(from.value()),
            });
        }
    })
}

/// What is to be learned of a turn, as sets tell it.
fn weight(turn: &Field<'_>) -> Result<Option<f64>, RecordError> {
    for key in ["weight", "train", "loss"] {
        if let Some(weight) = turn.find(key)? {
            return match weight.value() {
                Value::Bool(learned) => Ok(Some(f64::from(u8::from(*learned)))),
                _ => weight.number().map(Some),
            };
        }
    }
    Ok(None)
}

/// The calls of a turn that calls: one, or a list of them, behind a thought.
fn read_calls(value: &Field<'_>, message: &mut ChatMessage) -> Result<(), RecordError> {
    let parsed = match value.value() {
        Value::String(text) => {
            message.set_content(text);
            let text = message.content.take().unwrap_or_default();
            tools::parse(&text).ok_or_else(|| value.wrong("the call is not valid JSON"))?
        }
        other => other.clone(),
    };
    let (calls, is_list) = match parsed {
        Value::Array(calls) => (calls, true),
        call => (vec![call], false),
    };
    for (index, call) in calls.iter().enumerate() {
        let path = match is_list {
            true => format!("{}[{index}]", value.path()),
            false => value.path(),
        };
        let call = tags::call_of(path, call);
        message
            .calls
            .push(call.ok_or_else(|| value.wrong("a call names no function"))?);
    }
    Ok(())
}

/// Where one turn replies to several calls: its list's elements, one a call; a reply that is no such list is the last
/// call's, those before it have none to show.
fn one_reply_a_call(messages: Vec<ChatMessage>) -> Vec<ChatMessage> {
    let mut all = Vec::with_capacity(messages.len());
    let mut calls = 0;
    let mut messages = messages.into_iter().peekable();
    while let Some(message) = messages.next() {
        let is_single = message.role == ChatRole::Tool
            && message.answers.is_none()
            && messages
                .peek()
                .is_none_or(|next| next.role != ChatRole::Tool);
        if !is_single || calls < 2 {
            calls = message.calls.len();
            all.push(message);
            continue;
        }
        let text = message.content.clone().unwrap_or_default();
        let replies = match tools::parse(&text) {
            Some(Value::Array(replies)) if replies.len() == calls => replies
                .iter()
                .map(|reply| match reply {
                    Value::String(text) => text.clone(),
                    other => json::dumps(other).unwrap_or_default(),
                })
                .collect(),
            _ => {
                let mut replies = vec![String::new(); calls];
                replies[calls - 1] = text;
                replies
            }
        };
        for reply in replies {
            let mut one = message.clone();
            one.content = Some(reply);
            all.push(one);
        }
        calls = 0;
    }
    all
}
