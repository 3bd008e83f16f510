//! The text of a message, and the thinking at its head.

use serde_json::Value;

use crate::field::{Field, shown};
use crate::python::json;
use crate::record_error::RecordError;

const THINK: &str = "<think>";
const END_THINK: &str = "</think>";

/// The text of a `content`: a string, or parts of text.
pub(super) fn text(content: &Field<'_>) -> Result<String, RecordError> {
    match content.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => parts(content),
        _ => Err(content.not("a string or a list of parts")),
    }
}

/// The text of a tool's `content`, which may also be the value itself that the tool replied.
pub(super) fn reply(content: &Field<'_>) -> Result<String, RecordError> {
    match content.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) if !parts.is_empty() && parts.iter().all(is_part) => {
            self::parts(content)
        }
        other => Ok(json::dumps(other)?),
    }
}

fn is_part(value: &Value) -> bool {
    value.get("type").is_some_and(Value::is_string)
}

fn parts(content: &Field<'_>) -> Result<String, RecordError> {
    let mut text = String::new();
    for part in content.elements()? {
        let kind = part.key("type")?;
        match kind.text()? {
            "text" | "input_text" | "output_text" => text.push_str(part.key("text")?.text()?),
            "refusal" => text.push_str(part.key("refusal")?.text()?),
            _ => {
                return Err(RecordError::Unknown {
                    path: kind.path(),
                    expected: "text (nothing else is read)",
                    found: shown(kind.value()),
                });
            }
        }
    }
    Ok(text)
}

/// Splits what a model thought from what it said: `<think>…</think>` at the head, or (where a prompt had the opening tag)
/// all before the closing one. Thoughts that say nothing are none.
pub(super) fn split_thinking(text: &str) -> (Option<&str>, &str) {
    let head = text.trim_start();
    let thinking = match head.strip_prefix(THINK) {
        Some(after) => after.split_once(END_THINK),
        None => text
            .split_once(END_THINK)
            .filter(|(before, _)| !before.contains(THINK)),
    };
    match thinking {
        Some((thought, rest)) => {
            let thought = thought.trim();
            let thought = Some(thought).filter(|thought| !thought.is_empty());
            (thought, rest.trim_start_matches(['\n', '\r']))
        }
        None => (None, text),
    }
}
