//! What a `Finish` call says, however broken its arguments are.

use serde_json::Value;

use super::NO_ANSWER;
use crate::python::{json, strip};

const GIVE_UP: &str = "give_up_and_restart";
const ANSWER_KEY: &str = "\"final_answer\": ";

/// How a trajectory ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Without an answer, to be started anew.
    GiveUp,
    /// With this answer.
    Answer(String),
}

/// Reads the arguments of a `Finish` call; `content` is the rationale beside the call.
///
/// Models write arguments that do not parse. What can be told from the text is then used: a give-up by its
/// name, an answer by its key, else the rationale.
pub fn read_finish(arguments: &str, content: Option<&str>) -> Finish {
    json::loads(arguments)
        .ok()
        .and_then(|parsed| from_object(&parsed))
        .unwrap_or_else(|| from_text(arguments, content))
}

fn from_object(arguments: &Value) -> Option<Finish> {
    let arguments = arguments.as_object()?;
    if arguments.get("return_type")? == GIVE_UP {
        return Some(Finish::GiveUp);
    }
    Some(Finish::Answer(match arguments.get("final_answer") {
        None => NO_ANSWER.to_owned(),
        Some(Value::String(answer)) => answer.clone(),
        // No string is an answer to learn from as it stands; its JSON text is the nearest one.
        Some(other) => json::dumps(other).ok()?,
    }))
}

fn from_text(arguments: &str, content: Option<&str>) -> Finish {
    if arguments.contains(GIVE_UP) {
        return Finish::GiveUp;
    }
    let answer = match arguments.split_once(ANSWER_KEY) {
        Some((_, answer)) => strip(answer).trim_matches('}').trim_matches('"'),
        None => content.unwrap_or(NO_ANSWER),
    };
    Finish::Answer(answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Finish {
        Finish::Answer(text.to_owned())
    }

    #[test]
    fn arguments_that_parse() {
        for (arguments, finish) in [
            (r#"{"return_type": "give_up_and_restart"}"#, Finish::GiveUp),
            (
                r#"{"return_type": "give_answer", "final_answer": "a\nb"}"#,
                answer("a\nb"),
            ),
            (
                r#"{"return_type": "give_answer", "final_answer": ""}"#,
                answer(""),
            ),
            (r#"{"return_type": "give_answer"}"#, answer("none")),
            (r#"{"return_type": 3, "final_answer": "x"}"#, answer("x")),
            (
                r#"{"return_type": "give_answer", "final_answer": {"é": [1, 2.50]}}"#,
                answer(r#"{"\u00e9": [1, 2.5]}"#),
            ),
            (
                r#"{"return_type": "give_answer", "final_answer": null}"#,
                answer("null"),
            ),
            (
                r#"{"return_type": "a", "return_type": "give_up_and_restart"}"#,
                Finish::GiveUp,
            ),
            (
                r#"{"return_type": "x", "final_answer": "cut \ud83d"}"#,
                answer("cut \u{fffd}"),
            ),
        ] {
            assert_eq!(
                read_finish(arguments, Some("rationale")),
                finish,
                "{arguments}"
            );
        }
    }

    #[test]
    fn arguments_that_do_not() {
        for (arguments, content, finish) in [
            (
                r#"{"return_type": "give_up_and_restart""#,
                None,
                Finish::GiveUp,
            ),
            (r#"["give_up_and_restart"]"#, None, Finish::GiveUp),
            (
                r#"{"final_answer": "give_up_and_restart"}"#,
                None,
                Finish::GiveUp,
            ),
            (
                r#"{"return_type": "give_answer", "final_answer": "cut"#,
                Some("r"),
                answer("cut"),
            ),
            (
                "{\"final_answer\": \"two\nlines\"\n}",
                Some("r"),
                answer("two\nlines\"\n"),
            ),
            (
                r#"{"final_answer": }"quoted"}}"#,
                Some("r"),
                answer("quoted"),
            ),
            (
                r#"{"final_answer": "no return type"}"#,
                Some("r"),
                answer("no return type"),
            ),
            (r#"{"final_answer":"no space"}"#, Some("r"), answer("r")),
            (r#"{"final_answer":"no space"}"#, None, answer("none")),
            (r#""a string""#, Some(""), answer("")),
            ("[1]", None, answer("none")),
            ("", Some("r"), answer("r")),
        ] {
            assert_eq!(read_finish(arguments, content), finish, "{arguments}");
        }
    }
}
