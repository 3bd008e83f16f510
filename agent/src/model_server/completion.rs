//! A server's reply to a prompt, as vLLM, llama.cpp, TGI and Ollama write it.

use serde_json::Value;

use super::body::{self, count};

/// What a server has completed a prompt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Whether a limit of tokens ended it; none where the server does not say why it ended.
    pub cut: Option<bool>,
    /// The prompt's tokens, as the server counts them.
    pub prompt_tokens: Option<usize>,
    /// Those of them that did not have to be computed.
    pub cached_tokens: usize,
    /// The tokens that were generated.
    pub new_tokens: Option<usize>,
}

impl Completion {
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

    /// Reads a reply's JSON: OpenAI's form, or llama.cpp's own, which older servers of it answer with.
    pub(super) fn of(json: &Value) -> Result<Self, String> {
        let choice = json.pointer("/choices/0");
        let text = match choice {
            Some(choice) => choice
                .get("text")
                .or_else(|| choice.pointer("/message/content")),
            None => json.get("content"),
        };
        let Some(text) = text.and_then(Value::as_str) else {
            return Err("its reply has no `choices[0].text`".to_owned());
        };
        let finish = choice.and_then(|choice| choice.get("finish_reason"));
        let finish = finish
            .or_else(|| json.get("stop_type"))
            .and_then(Value::as_str);
        Ok(Self {
            text: text.to_owned(),
            cut: finish.map(|finish| matches!(finish, "length" | "limit")),
            prompt_tokens: count(json, "/usage/prompt_tokens").or(count(json, "/tokens_evaluated")),
            cached_tokens: count(json, "/usage/prompt_tokens_details/cached_tokens").unwrap_or(0),
            new_tokens: count(json, "/usage/completion_tokens")
                .or(count(json, "/tokens_predicted")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_the_servers_are_read() {
        let vllm = r#"{"id":"cmpl-1","object":"text_completion","model":"planner","choices":[{"index":0,"text":" I ask.",
            "logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":12,"total_tokens":15,
            "completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}}"#;
        let read = Completion {
            text: " I ask.".to_owned(),
            cut: Some(false),
            prompt_tokens: Some(12),
            cached_tokens: 8,
            new_tokens: Some(3),
        };
        assert_eq!(Completion::read(vllm), Ok(read.clone()));
        let llama =
            r#"{"content":"x","stop_type":"limit","tokens_evaluated":4,"tokens_predicted":1}"#;
        let read = Completion::read(llama).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (read.cut, read.prompt_tokens, read.new_tokens),
            (Some(true), Some(4), Some(1))
        );
        let bare = Completion::read(r#"{"choices":[{"text":""}]}"#);
        assert_eq!(
            bare.map(|read| (read.cut, read.new_tokens)),
            Ok((None, None))
        );
        for (text, told) in [
            ("", "empty"),
            ("<html>", "page"),
            ("data: {}\n\n", "stream"),
            ("{\"choices\":", "not JSON"),
            ("{}", "no `choices"),
            (r#"{"choices":[]}"#, "no `choices"),
            (r#"{"choices":[{"text":7}]}"#, "no `choices"),
            (
                r#"{"error":{"message":"busy","code":429}}"#,
                "status 429: busy",
            ),
        ] {
            let error = Completion::read(text).map_err(|error| error.contains(told));
            assert_eq!(error, Err(true), "{text}");
        }
    }
}
