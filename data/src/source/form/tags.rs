//! The tags of Hermes function calling: functions, calls and replies in texts, whatever form the texts stand in.
//!
//! | where | text |
//! |---|---|
//! | system | `<tools>[…]</tools>`, or a tool a line |
//! | assistant | `<tool_call>{"name": …, "arguments": …}</tool_call>`, once for each call, after the thought |
//! | tool | `<tool_response>…</tool_response>`, once for each call |
//!
//! The instructions to write such tags are no part of a conversation: a team has its own way to call.

use serde_json::Value;

use super::tools::parse;
use crate::chat::{ChatCall, ChatFunction, ChatMessage, ChatRole};
use crate::python::json;
use crate::record_error::RecordError;

const TOOLS: (&str, &str) = ("<tools>", "</tools>");
const CALL: (&str, &str) = ("<tool_call>", "</tool_call>");
const RESPONSE: (&str, &str) = ("<tool_response>", "</tool_response>");

/// How the instructions to write tags begin, in the system's text; the first as a heading of any level.
const HEADING: &str = "Tools";
const OPENING: &str = "You are a function calling AI model";

/// Whether a text has a call's tag, or those around functions.
pub(super) fn are_in(text: &str) -> bool {
    text.contains(CALL.0) || text.contains(TOOLS.0) && text.contains(TOOLS.1)
}

/// Reads the tags of messages: makes calls and replies of them, and returns the functions, if a system's text has any.
pub(super) fn untag(
    messages: Vec<ChatMessage>,
) -> Result<(Vec<ChatMessage>, Option<Vec<ChatFunction>>), RecordError> {
    let mut functions = None;
    let mut plain = Vec::with_capacity(messages.len());
    for mut message in messages {
        let content = message.content.take();
        match (message.role, content) {
            (ChatRole::System, Some(text)) => {
                let told = offered(&text);
                let (text, tools) = told.unwrap_or((text, None));
                if let Some(tools) = tools {
                    let place = format!("{} <tools>", message.path);
                    functions = Some(super::tools::read(tools, &place)?);
                }
                if !text.is_empty() {
                    message.content = Some(text);
                    plain.push(message);
                }
            }
            (ChatRole::Assistant, Some(text)) if message.calls.is_empty() => {
                match split(&text, CALL) {
                    None => message.content = Some(text),
                    Some((said, calls)) => {
                        message.content = Some(said).filter(|said| !said.is_empty());
                        let several = calls.len() > 1;
                        for (index, call) in calls.iter().enumerate() {
                            let path = match several {
                                true => format!("{} <tool_call> {}", message.path, index + 1),
                                false => format!("{} <tool_call>", message.path),
                            };
                            message.calls.push(read_call(path, call)?);
                        }
                    }
                }
                plain.push(message);
            }
            (ChatRole::Tool, Some(text)) => {
                let Some((_, replies)) = split(&text, RESPONSE) else {
                    message.content = Some(text);
                    plain.push(message);
                    continue;
                };
                for reply in replies {
                    let mut message = message.clone();
                    message.content = Some(self::reply(reply));
                    plain.push(message);
                }
            }
            (_, content) => {
                message.content = content;
                plain.push(message);
            }
        }
    }
    Ok((plain, functions))
}

/// A system's text without the instructions to write tags, and the tools it tells; none where it tells none.
fn offered(text: &str) -> Option<(String, Option<Vec<Value>>)> {
    // Some texts speak of the tag before they use it: `within <tools></tools> XML tags`.
    let starts: Vec<usize> = text.match_indices(TOOLS.0).map(|(at, _)| at).collect();
    let found = starts.into_iter().rev().find_map(|at| {
        let after = &text[at + TOOLS.0.len()..];
        let (inside, rest) = after.split_once(TOOLS.1)?;
        Some((at, tools(inside)?, rest))
    });
    let (at, tools, rest) = found?;
    let before = &text[..at];
    let before = match begins(before) {
        Some(at) => before[..at].trim(),
        // All of one paragraph: nothing tells where it begins to speak of tools. What speaks of tags is no part of a prompt.
        None if before.contains(CALL.0) || before.contains(TOOLS.0) => "",
        None => before.trim(),
    };
    let rest = match rest.contains(CALL.0) {
        true => "",
        false => rest.trim(),
    };
    let parts = [before, rest].into_iter().filter(|part| !part.is_empty());
    Some((parts.collect::<Vec<_>>().join("\n\n"), Some(tools)))
}

/// Where a system's text before its tools begins to speak of them: at a heading, else at its last paragraph.
fn begins(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut heading = None;
    for line in text.split_inclusive('\n') {
        let title = line.trim_start_matches('#');
        if title.len() < line.len() && title.trim_start().starts_with(HEADING) {
            heading = Some(at);
            break;
        }
        at += line.len();
    }
    let opening = text.find(OPENING);
    let first = [heading, opening].into_iter().flatten().min();
    first.or_else(|| text.rfind("\n\n"))
}

/// The tools between the tags: a list, or one a line.
fn tools(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    match parse(text) {
        Some(Value::Array(tools)) => return Some(tools),
        Some(tool @ Value::Object(_)) => return Some(vec![tool]),
        _ => {}
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tools: Option<Vec<Value>> = lines.map(parse).collect();
    tools.filter(|tools| !tools.is_empty() && tools.iter().all(Value::is_object))
}

/// A text without its tags, and what stands between each; the last may lack its end. None where there is no tag.
fn split(text: &str, (open, close): (&str, &str)) -> Option<(String, Vec<String>)> {
    let (first, mut rest) = text.split_once(open)?;
    let mut outside = first.trim().to_owned();
    let mut inside = Vec::new();
    loop {
        let (part, after) = rest.split_once(close).unwrap_or((rest, ""));
        inside.push(part.trim().to_owned());
        let (between, next) = match after.split_once(open) {
            Some((between, next)) => (between, Some(next)),
            None => (after, None),
        };
        let between = between.trim();
        if !between.is_empty() {
            outside.push_str(if outside.is_empty() { "" } else { "\n" });
            outside.push_str(between);
        }
        match next {
            Some(next) => rest = next,
            None => return Some((outside, inside)),
        }
    }
}

fn read_call(path: String, text: &str) -> Result<ChatCall, RecordError> {
    let wrong = |problem: &str| RecordError::Wrong {
        path: path.clone(),
        problem: format!("{problem}: {}", crate::python::first_chars(text, 60)),
    };
    let call = parse(text).ok_or_else(|| wrong("it is not valid JSON"))?;
    call_of(path.clone(), &call).ok_or_else(|| wrong("it names no function"))
}

/// The call that a JSON object is: `{"name", "arguments"}`, or inside `function`. It stands at `path`.
pub(super) fn call_of(path: String, call: &Value) -> Option<ChatCall> {
    let inner = call.get("function").filter(|inner| inner.is_object());
    let inner = inner.unwrap_or(call);
    let name = inner.get("name")?.as_str()?.to_owned();
    let given = ["arguments", "parameters"]
        .into_iter()
        .find_map(|key| inner.get(key).filter(|value| !value.is_null()));
    let arguments = match given {
        None => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => json::dumps(other).ok()?,
    };
    let id = call.get("id").and_then(Value::as_str).map(str::to_owned);
    Some(ChatCall {
        path,
        id,
        name,
        arguments,
    })
}

/// What a tool replied, without the name around it.
fn reply(text: String) -> String {
    let Some(Value::Object(reply)) = parse(&text) else {
        return text;
    };
    let known = |key: &String| ["name", "content", "tool_call_id"].contains(&key.as_str());
    match reply.get("content") {
        Some(content) if reply.contains_key("name") && reply.keys().all(known) => match content {
            Value::String(content) => content.clone(),
            other => json::dumps(other).unwrap_or(text),
        },
        _ => text,
    }
}
