//! How a model's server is asked.

use std::path::PathBuf;
use std::time::Duration;

use crate::servers::Key;

/// How a model's server is asked, and what is known of the model beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelServerSettings {
    /// Its key; none for servers without keys.
    pub key: Option<Key>,
    /// How long one call may take, its last byte included.
    pub timeout: Duration,
    /// How often a call is made until it is answered: at least once.
    pub attempts: usize,
    /// How long it waits after the first call that failed; then twice as long each time, at most a minute. A server that says
    /// how long to wait makes it longer.
    pub backoff: Duration,
    /// How many calls are made at a time: at least one.
    pub parallel: usize,
    /// How many tokens the model reads and writes together; none: as the server says.
    pub context: Option<usize>,
    /// The model's `tokenizer.json`, or the folder that holds it. With it prompts are sent as tokens, exactly as in this
    /// process; without it as text, and the server counts.
    pub tokenizer: Option<PathBuf>,
}

impl Default for ModelServerSettings {
    /// Eight calls at a time of ten minutes each, five times.
    fn default() -> Self {
        Self {
            key: None,
            timeout: Duration::from_secs(600),
            attempts: 5,
            backoff: Duration::from_secs(1),
            parallel: 8,
            context: None,
            tokenizer: None,
        }
    }
}
