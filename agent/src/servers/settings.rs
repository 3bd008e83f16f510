//! How a server is called.

use std::time::Duration;

/// How a server is called over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// A call that takes longer, its reply's last byte included, has timed out.
    pub timeout: Duration,
    /// How often a call is tried in all, where there is no connection, the server is busy (429, 5xx) or a rate limit is
    /// reached. A call that timed out is not tried again.
    pub attempts: usize,
    /// The wait before the second attempt; each later one waits twice as long. A server that says how long to wait is
    /// given that, up to a minute; where it says more, it is not asked again.
    pub backoff: Duration,
    /// The least time between two calls' beginnings, whoever makes them.
    pub interval: Duration,
    /// A reply of more bytes is not read on.
    pub reply_bytes: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(500),
            interval: Duration::ZERO,
            reply_bytes: 1 << 20,
        }
    }
}
