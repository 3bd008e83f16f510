//! An answer that is no judgment, and what it says why.

use serde_json::Value;

/// How much of a refusal is told, in characters.
const TOLD: usize = 200;
/// How much of one is looked through.
const READ: usize = 2000;

/// Words of codes and messages of those who refuse a text for what it says or for its length, and would not refuse another.
const OF_THE_TEXT: &[&str] = &[
    "content_filter",
    "content filter",
    "contentfilter",
    "content_policy",
    "content policy",
    "content management policy",
    "responsibleaipolicy",
    "moderation",
    "flagged",
    "prohibited_content",
    "data_inspection_failed",
    "context_length",
    "context length",
    "context window",
    "string_above_max_length",
    "too long",
    "too_long",
];

/// What an endpoint says with a status that is none of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// The parameter that it names; empty where it names none.
    parameter: String,
    /// Code, type and message, or the beginning of a text that is no JSON.
    said: String,
    /// Where it sends to, of a redirect.
    elsewhere: Option<String>,
}

impl Refusal {
    /// Reads a body; `elsewhere` is the header `Location`.
    pub fn read(status: u16, body: &str, elsewhere: Option<&str>) -> Self {
        let json: Option<Value> = serde_json::from_str(body).ok();
        let (parameter, said) = match &json {
            Some(json) => parts(json),
            None => (String::new(), body.chars().take(READ).collect()),
        };
        let plain = |text: &str| -> String {
            let shown = text.split(['?', '#']).next().unwrap_or_default();
            shown
                .chars()
                .filter(|one| !one.is_control())
                .take(TOLD)
                .collect()
        };
        Self {
            status,
            parameter,
            said,
            elsewhere: elsewhere.map(plain),
        }
    }

    /// Whether the parameter that it names, or else its text, holds one of these words.
    pub fn is_about(&self, words: &[&str]) -> bool {
        let text = match self.parameter.as_str() {
            "" => self.said.to_lowercase(),
            parameter => parameter.to_lowercase(),
        };
        words.iter().any(|word| text.contains(word))
    }

    /// Whether it says that the text of the question is why.
    pub fn is_of_the_text(&self) -> bool {
        let said = self.said.to_lowercase();
        (400..500).contains(&self.status)
            && self.status != 401
            && (self.status == 413 || OF_THE_TEXT.iter().any(|word| said.contains(word)))
    }

    /// Whether another question may be taken.
    pub fn may_be_of_one(&self) -> bool {
        matches!(self.status, 400 | 413 | 414 | 422 | 431 | 451) || self.is_of_the_text()
    }

    /// Status and what was said, in one line.
    pub fn told(&self) -> String {
        if let Some(elsewhere) = &self.elsewhere {
            return format!(
                "status {}: it sends elsewhere, to {elsewhere:?}; give the address that answers itself",
                self.status
            );
        }
        let said: String = self
            .said
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|one| !one.is_control())
            .take(TOLD)
            .collect();
        match said.as_str() {
            "" => format!("status {}", self.status),
            said => format!("status {}: {said}", self.status),
        }
    }
}

/// The parameter that an error names, and its message, type and code. What it repeats of the request is left out.
fn parts(json: &Value) -> (String, String) {
    let error = match json.get("error") {
        Some(error) if !error.is_null() => error,
        _ => json,
    };
    let text = |key: &str| match error.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let mut said: Vec<String> = match error {
        Value::String(text) => vec![text.clone()],
        _ => ["message", "detail", "code", "type"].map(text).into(),
    };
    // Azure says here why; servers of FastAPI what is wrong with which field.
    let inner = error.pointer("/innererror/code").and_then(Value::as_str);
    said.extend(inner.map(str::to_owned));
    for detail in error
        .get("detail")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let place = detail.get("loc").map(Value::to_string).unwrap_or_default();
        let message = detail
            .get("msg")
            .and_then(Value::as_str)
            .unwrap_or_default();
        said.push(format!("{place} {message}"));
    }
    let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
    let said = said.join("; ");
    let said = match said.is_empty() {
        true => json.to_string(),
        false => said,
    };
    (text("param"), said.chars().take(READ).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_messages_and_parameters_are_found() {
        for (body, about, of_the_text) in [
            (
                r#"{"error": {"message": "only 1", "param": "temperature"}}"#,
                "temperature",
                false,
            ),
            (
                r#"{"error": {"message": "temperature: only 1", "param": null}}"#,
                "temperature",
                false,
            ),
            (
                r#"{"error": "model does not support tools"}"#,
                "tool",
                false,
            ),
            (
                r#"{"message": "tool_choice must be auto"}"#,
                "tool_choice",
                false,
            ),
            (
                r#"{"detail": [{"loc": ["body", "tools"], "msg": "not permitted", "input": "temperature"}]}"#,
                "tools",
                false,
            ),
            (
                r#"{"error": {"message": "no", "code": "content_filter", "param": "prompt"}}"#,
                "prompt",
                true,
            ),
            (
                r#"{"error": {"message": "maximum context length is 9", "code": 400}}"#,
                "context",
                true,
            ),
            (
                r#"{"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}"#,
                "x",
                true,
            ),
            ("<html>the text was flagged", "flagged", true),
        ] {
            let refusal = Refusal::read(400, body, None);
            assert!(refusal.is_about(&[about]), "{body}: {refusal:?}");
            assert_eq!(refusal.is_of_the_text(), of_the_text, "{body}");
        }
        let repeats = r#"{"detail": [{"loc": ["body"], "msg": "no", "input": "temperature"}]}"#;
        assert!(!Refusal::read(422, repeats, None).is_about(&["temperature"]));
        let parameter = r#"{"error": {"message": "the temperature in Oslo", "param": "messages"}}"#;
        assert!(!Refusal::read(400, parameter, None).is_about(&["temperature"]));
    }

    #[test]
    fn what_is_told_is_one_short_line() {
        let told = Refusal::read(400, &format!("a\n\u{1b}b {}", "x".repeat(999)), None).told();
        assert!(
            told.starts_with("status 400: a b xx") && told.len() < 250,
            "{told}"
        );
        let told = Refusal::read(307, "", Some("https://other.example/v1?key=secret")).told();
        assert!(
            told.contains("other.example") && !told.contains("secret"),
            "{told}"
        );
        assert_eq!(Refusal::read(400, "", None).told(), "status 400");
    }
}
