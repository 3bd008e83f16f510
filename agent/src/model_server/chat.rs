//! A server's reply in a chat with tools.

use serde_json::Value;

use super::body::{self, count};
use crate::policy_message::{FINISH, PolicyMessage};
use crate::usage::Usage;

/// What a server's model said in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatReply {
    /// The text beside a call, without what it thought before; empty where there is none.
    pub content: String,
    /// The first call: the function's name, and its arguments as they were written.
    pub call: Option<(String, String)>,
    /// Whether a limit of tokens ended it.
    pub cut: bool,
    /// Whether a server of this program says that its team gave up.
    pub gave_up: bool,
    /// What it cost.
    pub usage: Usage,
}

impl ChatReply {
    /// Reads a reply.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let json = body::json(text)?;
        if let Some((status, said)) = body::error_in(&json) {
            return Err(format!("status {status}: {said}"));
        }
        Self::of(&json)
    }

    /// Reads a reply's JSON. A call stands in `tool_calls`, or in the older `function_call`.
    pub(super) fn of(json: &Value) -> Result<Self, String> {
        let choice = json.pointer("/choices/0");
        let Some(message) = choice.and_then(|choice| choice.get("message")) else {
            return Err("its reply has no `choices[0].message`".to_owned());
        };
        if !message.is_object() {
            return Err("its reply has no `choices[0].message`".to_owned());
        }
        let function = message
            .pointer("/tool_calls/0/function")
            .or_else(|| message.get("function_call"));
        let call = function.and_then(|function| {
            let name = function
                .get("name")?
                .as_str()
                .filter(|name| !name.is_empty())?;
            let arguments = match function.get("arguments") {
                Some(Value::String(arguments)) => arguments.clone(),
                None | Some(Value::Null) => "{}".to_owned(),
                Some(arguments) => arguments.to_string(),
            };
            Some((name.to_owned(), arguments))
        });
        let finish = choice.and_then(|choice| choice.get("finish_reason")?.as_str());
        let gave_up = [
            "/glpft/gave_up",
            "/choices/0/message/gave_up",
            "/choices/0/gave_up",
        ];
        Ok(Self {
            content: after_thoughts(&content(message.get("content")))
                .trim()
                .to_owned(),
            call,
            cut: finish == Some("length"),
            gave_up: gave_up
                .iter()
                .any(|place| json.pointer(place) == Some(&Value::Bool(true))),
            usage: Usage {
                prompt_tokens: count(json, "/usage/prompt_tokens").unwrap_or(0),
                cached_tokens: count(json, "/usage/prompt_tokens_details/cached_tokens")
                    .unwrap_or(0),
                new_tokens: count(json, "/usage/completion_tokens").unwrap_or(0),
                ..Usage::default()
            },
        })
    }

    /// As a step: a call with its thought, or an answer in words.
    pub(super) fn said(&self, thought: Option<&str>) -> PolicyMessage {
        let said = match &self.call {
            Some((name, arguments)) if name == FINISH => {
                PolicyMessage::from_message(thought, FINISH, arguments)
            }
            // A call that was cut is none.
            Some(_) if self.cut => PolicyMessage::unfinished(thought),
            Some((name, arguments)) => PolicyMessage::from_message(thought, name, arguments),
            None if self.gave_up => PolicyMessage::give_up(None),
            None => PolicyMessage::answer(None, &self.content),
        };
        PolicyMessage {
            usage: self.usage,
            cut: self.cut,
            ..said
        }
    }
}

/// A content's text: itself, or that of its parts.
fn content(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        _ => String::new(),
    }
}

/// A text without the thoughts before it.
fn after_thoughts(text: &str) -> &str {
    match text.rsplit_once("</think>") {
        Some((_, after)) => after,
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_answers_are_read() {
        let call = r#"{"choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":"<think>hm</think>\nI ask.",
            "tool_calls":[{"id":"a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Oslo\"}"}},
            {"function":{"name":"other","arguments":"{}"}}]}}],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
        let read = ChatReply::read(call).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.content, "I ask.");
        let weather = ("weather".to_owned(), r#"{"city": "Oslo"}"#.to_owned());
        assert_eq!(read.call, Some(weather));
        let said = read.said(Some("I ask."));
        assert_eq!(
            (said.function.as_str(), said.usage.prompt_tokens),
            ("weather", 7)
        );
        let old = r#"{"choices":[{"message":{"content":null,"function_call":{"name":"Finish","arguments":{"return_type":"give_answer","final_answer":"7"}}}}]}"#;
        let read = ChatReply::read(old).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.said(None).function, FINISH);
        let words = r#"{"choices":[{"finish_reason":"length","message":{"content":[{"type":"text","text":"It rai"}]}}]}"#;
        let read = ChatReply::read(words).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.cut && read.call.is_none() && read.said(None).arguments.contains("It rai"));
        let ours = r#"{"choices":[{"message":{"content":"I give up"}}],"glpft":{"gave_up":true}}"#;
        let read = ChatReply::read(ours).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.said(None).arguments.contains("give_up"));
        for text in [
            "{}",
            r#"{"choices":[{"message":7}]}"#,
            "",
            "[]",
            r#"{"error":{"message":"x"}}"#,
        ] {
            assert!(ChatReply::read(text).is_err(), "{text}");
        }
    }
}
