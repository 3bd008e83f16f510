//! How much a stranger may ask for.

use std::time::Duration;

/// Limits on connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many are open at the same time; more wait until one ends.
    pub connections: usize,
    /// How long the head of a request may take, and how long a connection may lie idle.
    pub head: Duration,
    /// How long requests under way may take once the server was told to end.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(30),
            // As long as an answer may take.
            grace: Duration::from_secs(600),
        }
    }
}

/// Limits on what a request holds, and on how many are under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// The longest body in bytes.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body: Duration,
    /// The most messages of a conversation.
    pub messages: usize,
    /// The most tools of a request.
    pub tools: usize,
    /// The most tokens that an answer may be asked to have.
    pub new_tokens: usize,
    /// How many requests may wait while others are answered; one more is sent away with 429.
    pub waiting: usize,
    /// How long a request may take, its waiting included.
    pub answer: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes: 2 << 20,
            body: Duration::from_secs(30),
            messages: 512,
            tools: 128,
            new_tokens: 4096,
            waiting: 128,
            answer: Duration::from_secs(600),
        }
    }
}
