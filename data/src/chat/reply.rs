//! What a tool replied, as a team reads it.

use glpft_recipes::Observations;
use serde_json::Value;

use crate::lenient::{Ending, lenient_object, whole_lenient_json};
use crate::observation::observation_text;
use crate::python::{first_chars, json};

/// ToolBench's limit of an observation, in characters; what is longer ends in `...` behind it.
pub const OBSERVATION_CHARACTERS: usize = 1024;

/// A reply as an observation, and whether it was cut: as long as in ToolBench's data, and of its `{"error", "response"}`
/// what it says.
pub(crate) fn observation(reply: &str, observations: Observations) -> (String, bool) {
    let cut = first_chars(reply, OBSERVATION_CHARACTERS);
    let is_cut = cut.len() < reply.len();
    let text = match is_cut {
        true => format!("{cut}..."),
        false => cut.to_owned(),
    };
    if !is_toolbenchs(&text) {
        return (text, is_cut);
    }
    // The published pipeline looks for this key as it stands here, and finds nothing where it does not.
    let observations = match text.contains("\"response\":") {
        true => observations,
        false => Observations::ResponseOrError,
    };
    let said = observation_text(&text, observations)
        .or_else(|_| observation_text(&text, Observations::ResponseOrError));
    (said.unwrap_or(text), is_cut)
}

/// Whether a reply is an object as ToolBench's server writes it, cut or not: a `response`, perhaps an `error`, no other key.
fn is_toolbenchs(text: &str) -> bool {
    const KEYS: [&str; 2] = ["error", "response"];
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let cut = |text| {
        let read = lenient_object(text, &KEYS)?;
        // What stands behind a whole object is a part of the reply.
        (read.ending > Ending::Whole).then_some(read.value)
    };
    let read = json::loads(text).ok();
    let read = read.or_else(|| whole_lenient_json(text));
    // The three dots of the cut are part of a value alone.
    let read = read.or_else(|| cut(text).or_else(|| cut(text.strip_suffix("...")?)));
    let object = read.as_ref().and_then(Value::as_object);
    object.is_some_and(|object| {
        object.contains_key("response") && object.keys().all(|key| KEYS.contains(&key.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolbenchs_replies_are_told_by_their_keys() {
        for (reply, said) in [
            (r#"{"error": "", "response": "rain"}"#, "rain"),
            (r#"{ "error" : "" , "response" : "rain" }"#, "rain"),
            (r#"{"response": "rain", "error": ""}"#, "rain"),
            ("{'error': '', 'response': \"it's\"}", "it's"),
            (
                r#"{"error": "", "response": {"a": tru..."#,
                r#"{"a": null}"#,
            ),
            // Replies of other tools.
            (r#"{"response": "rain", "status": 200}"#, ""),
            (r#"{"error": "say \"response\"", "code": 3}"#, ""),
            (r#"{"error": "none"}"#, ""),
            (r#"{"response": "rain"} and snow"#, ""),
            (r#"{"text": "a \"response\":"}"#, ""),
            ("\"response\": is no object", ""),
        ] {
            let said = if said.is_empty() { reply } else { said };
            for observations in [Observations::ResponseOrError, Observations::Response] {
                let read = observation(reply, observations);
                if observations == Observations::ResponseOrError || !reply.ends_with("...") {
                    assert_eq!(read, (said.to_owned(), false), "{reply}");
                }
            }
        }
    }

    #[test]
    fn long_replies_are_cut_and_told() {
        let long = "ä".repeat(OBSERVATION_CHARACTERS + 1);
        let (text, is_cut) = observation(&long, Observations::ResponseOrError);
        assert!(is_cut && text.ends_with("ä..."));
        assert_eq!(text.chars().count(), OBSERVATION_CHARACTERS + 3);
        // What was cut is not cut again.
        assert_eq!(observation(&text, Observations::ResponseOrError).0, text);
    }
}
