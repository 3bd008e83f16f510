//! Where a model is asked, and how patiently.

use std::time::Duration;

use crate::judge::error::JudgeError;

/// Where and how an HTTP judge asks.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpJudgeSettings {
    /// The model's name there.
    pub model: String,
    /// The endpoint without `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The environment variable that holds the key; none for endpoints without keys.
    pub key_variable: Option<String>,
    /// The sampling temperature. Above 0, so that rounds can differ; ToolEval's is 0.2.
    pub temperature: f64,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often a question is asked until it is answered: at least once.
    pub attempts: usize,
    /// How long it waits after the first attempt that failed; then twice as long each time, at most a minute. Where the
    /// endpoint says how long to wait, that counts.
    pub backoff: Duration,
}

impl HttpJudgeSettings {
    /// The usual patience: five attempts of a minute each.
    pub fn new(model: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            base_url: base_url.into(),
            key_variable: None,
            temperature: 0.2,
            timeout: Duration::from_secs(60),
            attempts: 5,
            backoff: Duration::from_secs(1),
        }
    }

    /// Where questions are posted.
    pub(super) fn endpoint(&self) -> Result<String, JudgeError> {
        let base = self.base_url.trim();
        let wrong = |url: &str, reason: &str| JudgeError::Url {
            url: url.to_owned(),
            reason: reason.to_owned(),
        };
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| base.strip_prefix(scheme));
        let Some(rest) = rest else {
            let hidden = if base.contains('@') { "…" } else { base };
            return Err(wrong(hidden, "it begins with neither http:// nor https://"));
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            return Err(wrong(
                "…",
                "it holds a user's name or password; put the key in an environment variable",
            ));
        }
        if host.is_empty() || rest.contains(['?', '#']) {
            return Err(wrong(
                host,
                "give scheme, host and path alone, such as https://api.openai.com/v1",
            ));
        }
        Ok(format!("{}/chat/completions", base.trim_end_matches('/')))
    }

    /// The key.
    pub(super) fn key(&self) -> Result<Option<String>, JudgeError> {
        let Some(variable) = &self.key_variable else {
            return Ok(None);
        };
        let key = std::env::var(variable).unwrap_or_default();
        match key.trim() {
            "" => Err(JudgeError::NoKey {
                variable: variable.clone(),
            }),
            key => Ok(Some(key.to_owned())),
        }
    }
}
