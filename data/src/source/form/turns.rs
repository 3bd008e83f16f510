//! Where a chat's turns stand in a record, and how they are spelled.

use serde_json::Value;

use crate::field::Field;
use crate::record_error::RecordError;

/// The keys of a list of turns, as sets name it.
const LISTS: [&str; 3] = ["messages", "conversations", "conversation"];

/// Who speaks, in ShareGPT's words, where OpenAI has others.
const SHAREGPT_ROLES: [&str; 7] = [
    "human",
    "gpt",
    "model",
    "function_call",
    "tool_call",
    "observation",
    "tool_response",
];

/// The list of turns: of a key, or the record itself.
pub(super) fn field<'a>(record: &Field<'a>) -> Result<Field<'a>, RecordError> {
    if record.value().is_array() {
        return Ok(record.clone());
    }
    for key in LISTS {
        if let Some(list) = record.find(key)? {
            return Ok(list);
        }
    }
    record.key(LISTS[0])
}

/// The turns, where there are any.
pub(super) fn list(record: &Value) -> &[Value] {
    let of_key = || LISTS.iter().find_map(|key| record.get(key)?.as_array());
    record.as_array().or_else(of_key).map_or(&[], Vec::as_slice)
}

/// Whether turns are spelled as ShareGPT's: `from` and `value`, or with its names of speakers.
pub(super) fn are_sharegpt(record: &Value) -> bool {
    list(record).iter().any(|turn| {
        let role = turn.get("role").and_then(Value::as_str);
        turn.get("from").is_some() || role.is_some_and(|role| SHAREGPT_ROLES.contains(&role))
    })
}

/// Whether turns are spelled as OpenAI's.
pub(super) fn are_openai(record: &Value) -> bool {
    !are_sharegpt(record) && list(record).iter().any(|turn| turn.get("role").is_some())
}

/// Who speaks in a turn, and what.
pub(super) fn said(turn: &Value) -> (Option<&str>, Option<&str>) {
    let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| turn.get(key)?.as_str());
    (text(["from", "role"]), text(["value", "content"]))
}
