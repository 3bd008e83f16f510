//! A tool's reply as ToolBench's servers send it.

use glpft_agent::ToolReply;
use glpft_data::fingerprint;
use glpft_data::python::{first_chars, str};
use serde_json::{Value, json};

use super::request::{Strip, ToolRequest};

/// A reply's text is cut behind as many characters.
pub const MAX_RESPONSE_CHARS: usize = 2048;

/// The body of an answer: the reply as Python prints it, with the keys of the schema alone where that is asked for, cut
/// (ToolBench, `server.py`, `observation_shorten`).
pub(super) fn answer(reply: &ToolReply, request: &ToolRequest, schema: Option<&Value>) -> Value {
    let mut response = reply.response.clone();
    if filters(request)
        && let Some(schema) = schema.filter(|schema| !is_empty(schema))
        && response.is_object()
    {
        shorten(&mut response, schema);
    }
    let text = str(&response);
    json!({
        "error": reply.error,
        "response": first_chars(&text, MAX_RESPONSE_CHARS),
    })
}

/// The key is not the server's.
pub(super) fn unauthorized() -> Value {
    json!({"error": "Unauthorized error...", "response": ""})
}

/// There is no such API.
pub(super) fn unknown(request: &ToolRequest) -> Value {
    json!({
        "error": "API not working error...",
        "response": format!(
            "there is no API {:?} of the tool {:?} in the category {:?}",
            first_chars(&request.api, 64),
            first_chars(&request.tool, 64),
            first_chars(&request.category, 64)
        ),
    })
}

/// Whether the schema decides. What ToolBench draws at random is drawn from the call here (ten times of sixteen): the same
/// call, the same reply.
fn filters(request: &ToolRequest) -> bool {
    match request.strip {
        Strip::Truncate => false,
        Strip::Filter => true,
        Strip::Random => {
            let call = [
                &request.category,
                &request.tool,
                &request.api,
                &request.input,
            ];
            let hash = fingerprint(&call.map(|text| text.as_bytes()));
            hash.ends_with(|last: char| last.is_ascii_digit())
        }
    }
}

fn is_empty(schema: &Value) -> bool {
    schema.as_object().is_none_or(|schema| schema.is_empty())
}

/// Keeps the keys of an object that its schema has, and so on inside (ToolBench, `dict_shorten`): a list's elements by the
/// schema's first one.
fn shorten(value: &mut Value, schema: &Value) {
    let (Some(object), Some(schema)) = (value.as_object_mut(), schema.as_object()) else {
        return;
    };
    object.retain(|key, _| schema.contains_key(key));
    for (key, value) in object {
        let Some(schema) = schema.get(key) else {
            continue;
        };
        match value {
            Value::Object(_) => shorten(value, schema),
            Value::Array(elements) => {
                if let Some(schema) = schema.get(0) {
                    for element in elements {
                        shorten(element, schema);
                    }
                }
            }
            _ => {}
        }
    }
}
