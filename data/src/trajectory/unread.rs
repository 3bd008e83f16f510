//! Which keys of a record are not read: those that are left out on purpose are known, any other is named.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::python::first_chars;

/// Of a raw answer's `answer_generation`: what is read, and the counts and nodes of the search that made it.
const ANSWER: &[&str] = &[
    "valid_data",
    "query_count",
    "total_tokens",
    "final_answer",
    "finish_type",
    "function",
    "chain",
    "train_messages",
    "query",
];
/// Of a trajectory of a stage-1 file.
const STAGE_1: &[&str] = &["tools", "instruction", "chains"];
/// Of a function: the shape that the tools form has around it as well.
const FUNCTION: &[&str] = &[
    "name",
    "description",
    "parameters",
    "type",
    "function",
    "strict",
];
/// Of a message, `valid` as searches mark it.
const MESSAGE: &[&str] = &[
    "role",
    "content",
    "function_call",
    "tool_calls",
    "tool_call_id",
    "name",
    "valid",
];
/// Of a message where the tools form is read, besides.
const THOUGHTS: &[&str] = &["reasoning_content", "reasoning", "thinking", "gave_up"];
const CALL: &[&str] = &["id", "type", "function", "index", "name", "arguments"];
const CALLED: &[&str] = &["name", "arguments"];

/// How many characters of a key are kept.
const SHOWN: usize = 40;

pub(super) fn of_answer(answer: &Map<String, Value>, chain: &[Value]) -> BTreeSet<String> {
    let mut unread = BTreeSet::new();
    add(answer, ANSWER, "", &mut unread);
    for function in elements(answer.get("function")) {
        add(function, FUNCTION, "function[].", &mut unread);
    }
    of_messages(chain, "train_messages[]", &mut unread);
    unread
}

pub(super) fn of_stage_1(record: &Map<String, Value>, chain: &[Value]) -> BTreeSet<String> {
    let mut unread = BTreeSet::new();
    add(record, STAGE_1, "", &mut unread);
    of_messages(chain, "chains[]", &mut unread);
    unread
}

fn of_messages(chain: &[Value], place: &str, unread: &mut BTreeSet<String>) {
    let is_tools_form = chain.iter().any(|message| {
        message.get("tool_calls").is_some_and(says_something)
            || message.get("role").is_some_and(|role| role == "tool")
    });
    for message in chain.iter().filter_map(Value::as_object) {
        let mut known = MESSAGE.to_vec();
        if is_tools_form {
            known.extend(THOUGHTS);
        }
        add(message, &known, &format!("{place}."), unread);
        for call in elements(message.get("tool_calls")) {
            add(call, CALL, &format!("{place}.tool_calls[]."), unread);
        }
        if let Some(call) = message.get("function_call").and_then(Value::as_object) {
            add(call, CALLED, &format!("{place}.function_call."), unread);
        }
    }
}

fn elements(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

fn add(object: &Map<String, Value>, known: &[&str], place: &str, unread: &mut BTreeSet<String>) {
    for (key, value) in object {
        if !known.contains(&key.as_str()) && says_something(value) {
            unread.insert(format!("{place}{}", first_chars(key, SHOWN)));
        }
    }
}

/// Whether a value is none of those that say the same as an absent key.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
