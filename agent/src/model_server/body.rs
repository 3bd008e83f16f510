//! What a server's reply says, whether it is an answer or a refusal.

use serde_json::Value;

/// How much of a refusal is told, in characters.
const TOLD: usize = 300;

/// A reply's text as JSON.
///
/// # Errors
/// What it is instead.
pub(super) fn json(text: &str) -> Result<Value, String> {
    let text = text.trim_start();
    serde_json::from_str(text).map_err(|error| match text.chars().next() {
        None => "its reply is empty".to_owned(),
        Some('<') => {
            "its reply is a web page, not JSON: is this its address, and is no proxy between?"
                .to_owned()
        }
        Some(_) if text.starts_with("data:") => {
            "its reply is a stream, which it was not asked for".to_owned()
        }
        Some(_) => format!("its reply is not JSON ({error})"),
    })
}

/// What a refusal says, on one line.
pub(super) fn refusal(text: &str) -> String {
    let json: Option<Value> = serde_json::from_str(text).ok();
    let said = json.as_ref().and_then(|json| {
        let error = json.get("error").unwrap_or(json);
        let parts = [error, json];
        let mut found = parts.iter().filter_map(|part| {
            let message = ["message", "detail", "error"]
                .iter()
                .find_map(|key| part.get(key));
            message.or(Some(*part)).and_then(Value::as_str)
        });
        found.next().map(str::to_owned)
    });
    let said = said.unwrap_or_else(|| text.to_owned());
    let words: Vec<&str> = said.split_whitespace().collect();
    let plain = words.join(" ");
    plain
        .chars()
        .filter(|one| !one.is_control())
        .take(TOLD)
        .collect()
}

/// The error that a reply with a status of success holds.
pub(super) fn error_in(json: &Value) -> Option<(u16, String)> {
    let error = json.get("error").filter(|error| !error.is_null())?;
    if json.get("choices").is_some() {
        return None;
    }
    let status = error.get("code").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    // Some have numbers of their own.
    let status = status.filter(|status| (400..600).contains(status));
    Some((status.unwrap_or(400), refusal(&json.to_string())))
}

/// A count in a reply.
pub(super) fn count(json: &Value, pointer: &str) -> Option<usize> {
    let count = json.pointer(pointer)?.as_u64()?;
    usize::try_from(count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_on_one_line() {
        for (text, told) in [
            (r#"{"error":{"message":"no such\nmodel"}}"#, "no such model"),
            (r#"{"error":"busy"}"#, "busy"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"object":"error","message":"too long"}"#, "too long"),
            ("plain\u{1b}[2J", "plain[2J"),
            ("", ""),
        ] {
            assert_eq!(refusal(text), told, "{text}");
        }
        assert_eq!(refusal(&"x".repeat(1000)).len(), TOLD);
        let json: Value = serde_json::json!({"error": {"code": 429, "message": "later"}});
        assert_eq!(error_in(&json), Some((429, "later".to_owned())));
        // A number of the server's own is no status.
        let json: Value = serde_json::json!({"error": {"code": 1302, "message": "no"}});
        assert_eq!(error_in(&json), Some((400, "no".to_owned())));
        assert_eq!(
            error_in(&serde_json::json!({"choices": [], "error": null})),
            None
        );
    }
}
