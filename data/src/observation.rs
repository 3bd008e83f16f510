//! What a call returned, out of the often cut JSON that the tool server wrote.

use glpft_recipes::Observations;
use serde_json::{Map, Value};

use crate::field::{Field, shown};
use crate::lenient::lenient_object;
use crate::python::json;
use crate::record_error::RecordError;

const RESPONSE: &str = "response";
const ERROR: &str = "error";

/// The observation that stands in a history for the content of a function message.
///
/// Content that was cut does not parse. It is read by its keys as far as it goes; the published pipeline takes what follows
/// `"response":`, quote and all.
pub fn observation_text(content: &str, observations: Observations) -> Result<String, RecordError> {
    of_text(content, "content", observations)
}

/// The observation of a function's message. One without content says nothing, which the published pipeline cannot read.
pub(crate) fn of_message(
    message: &Field<'_>,
    observations: Observations,
) -> Result<String, RecordError> {
    match (message.find("content")?, observations) {
        (None, Observations::ResponseOrError) => Ok(String::new()),
        (None, Observations::Response) => read(&message.key("content")?, observations),
        (Some(content), _) => read(&content, observations),
    }
}

/// The observation of a reply's text, which stands at `path`.
pub(crate) fn of_text(
    text: &str,
    path: &str,
    observations: Observations,
) -> Result<String, RecordError> {
    let content = Value::String(text.to_owned());
    read(&Field::root(&content, path), observations)
}

fn read(content: &Field<'_>, observations: Observations) -> Result<String, RecordError> {
    let lenient = observations == Observations::ResponseOrError;
    let text = match content.value() {
        Value::String(text) => text,
        Value::Object(object) if lenient => return from_object(object),
        _ => return Err(content.not("a string")),
    };
    match json::loads(text) {
        Err(_) if lenient => from_broken(text),
        Err(_) => Ok(published_cut(text)),
        // A string in a string is read like content that does not parse.
        Ok(Value::String(inner)) if lenient => from_broken(&inner),
        Ok(Value::String(inner)) => Ok(published_cut(&inner)),
        Ok(Value::Object(object)) => match object.get(RESPONSE) {
            Some(Value::String(response)) if !lenient => Ok(response.clone()),
            _ if lenient => from_object(&object),
            _ => Err(unreadable(content)),
        },
        Ok(_) if lenient => Ok(text.clone()),
        Ok(_) => Err(unreadable(content)),
    }
}

/// The response as text, or the error where the response says nothing, or everything where both lack.
fn from_object(object: &Map<String, Value>) -> Result<String, RecordError> {
    for key in [RESPONSE, ERROR] {
        match object.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() => {}
            Some(Value::String(text)) => return Ok(text.clone()),
            Some(other) => return Ok(json::dumps(other)?),
        }
    }
    if object.contains_key(RESPONSE) || object.contains_key(ERROR) {
        return Ok(String::new());
    }
    Ok(json::dumps(object)?)
}

fn from_broken(text: &str) -> Result<String, RecordError> {
    // What only holds such an object says more than that.
    let is_object = text.trim_start().starts_with('{');
    let read = |text| lenient_object(text, &[RESPONSE, ERROR]);
    // The three dots of the cut are part of a value alone.
    let cut = || read(text.strip_suffix("...")?);
    let found = is_object.then(|| read(text).or_else(cut)).flatten();
    match found.map(|read| read.value) {
        Some(Value::Object(object)) => from_object(&object),
        _ => Ok(text.to_owned()),
    }
}

fn published_cut(text: &str) -> String {
    let response = text.split_once("\"response\":");
    response.map_or_else(String::new, |(_, response)| response.to_owned())
}

fn unreadable(content: &Field<'_>) -> RecordError {
    RecordError::Observation {
        path: content.path(),
        found: shown(content.value()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use super::*;

    fn response(content: &str) -> Option<String> {
        observation_text(content, Observations::Response).ok()
    }

    fn response_or_error(content: &str) -> String {
        observation_text(content, Observations::ResponseOrError).unwrap()
    }

    #[test]
    fn the_published_pipelines_observations() {
        for (content, text) in [
            (r#"{"error": "", "response": "a\nb"}"#, Some("a\nb")),
            (r#"{"error": "e", "response": ""}"#, Some("")),
            (
                r#"{"error": "", "response": "cut \ud83d..."#,
                Some(r#" "cut \ud83d..."#),
            ),
            (r#"{"error": "", "response":"x"#, Some("\"x")),
            (r#"{"error": "long..."#, Some("")),
            ("plain text", Some("")),
            ("", Some("")),
            (r#""a \"response\": b""#, Some(" b")),
            (r#"{"error": "", "response": "\ud83d"}"#, Some("\u{fffd}")),
            (r#"{"error": "", "response": {"a": 1}}"#, None),
            (r#"{"error": "", "response": NaN}"#, None),
            (r#"{"error": ""}"#, None),
            ("[1]", None),
        ] {
            assert_eq!(response(content).as_deref(), text, "{content}");
        }
    }

    #[test]
    fn nothing_that_was_said_is_lost_where_errors_count() {
        for (content, text) in [
            (r#"{"error": "", "response": "a"}"#, "a"),
            (r#"{"error": "e", "response": "a"}"#, "a"),
            (r#"{"error": "e", "response": ""}"#, "e"),
            (r#"{"error": "e", "response": null}"#, "e"),
            (r#"{"error": "", "response": ""}"#, ""),
            (
                r#"{"error": "", "response": {"é": [1.50, true, NaN]}}"#,
                r#"{"\u00e9": [1.5, true, NaN]}"#,
            ),
            (r#"{"error": "e"}"#, "e"),
            (r#"{"other": 1}"#, r#"{"other": 1}"#),
            (r#"{"error": "long..."#, "long..."),
            (
                r#"{"error":"","response":"a\nb \"c\" \u00e9..."#,
                "a\nb \"c\" é...",
            ),
            (
                r#"{"error": "", "response": {"a": [1, "x..."#,
                r#"{"a": [1, "x..."]}"#,
            ),
            (
                r#"{"error": "say \"response\": no", "response": "#,
                "say \"response\": no",
            ),
            ("{'error': '', 'response': \"it's\"}", "it's"),
            (r#"{"error": "e", "resp..."#, "e"),
            (r#"{"error": "e", "response":..."#, "e"),
            (r#"Failed: {"error": "e"}"#, r#"Failed: {"error": "e"}"#),
            ("{not JSON}", "{not JSON}"),
            ("plain text", "plain text"),
            ("[1]", "[1]"),
        ] {
            assert_eq!(response_or_error(content), text, "{content}");
        }
    }
}
