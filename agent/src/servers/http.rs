//! What both servers' clients have in common: one POST, its reply read with care.

use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value};
use ureq::http::Uri;

use super::error::ServerError;
use super::key::Key;
use super::pace::Pace;
use super::settings::HttpSettings;
use crate::reply::{Code, ToolReply};

/// How long the first look at a server may take.
const LOOK: Duration = Duration::from_secs(10);

/// A server that wants a longer wait is not tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A server's address and the way to it.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    url: String,
    settings: HttpSettings,
    pace: Pace,
}

/// The keys of a call. What a server sends back of them does not get into an observation.
#[derive(Clone, Copy)]
pub struct Keys<'k> {
    /// The server's own, which goes into a header as well.
    pub server: Option<&'k Key>,
    /// One that it passes on.
    pub passed_on: Option<&'k Key>,
}

/// Why there is no reply.
enum Failed {
    Timeout,
    /// No connection: nothing has reached the server.
    Connection(String),
    /// A status that is none of success, and how long to wait where the server says.
    Status(u16, Option<Duration>),
    TooLong,
}

impl Client {
    /// Looks whether a server is at `url`. Without a path, `path` is where it answers.
    pub fn open(
        url: &str,
        path: &'static str,
        settings: HttpSettings,
    ) -> Result<Self, ServerError> {
        let url = address(url, path)?;
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                // A reply that sends elsewhere is none: keys would go there as well.
                .max_redirects(0)
                .timeout_global(Some(settings.timeout))
                .build(),
        );
        let look = agent
            .get(&url)
            .config()
            .timeout_global(Some(LOOK.min(settings.timeout)))
            .build()
            .call();
        match look {
            Ok(reply) if reply.status().as_u16() == 404 => Err(ServerError::NotFound { url, path }),
            Ok(_) => Ok(Self {
                agent,
                url,
                pace: Pace::new(settings.interval),
                settings,
            }),
            Err(error) => Err(ServerError::Unreachable {
                url,
                reason: error.to_string(),
            }),
        }
    }

    /// A call, tried again where that may help.
    pub fn call(&self, body: &Map<String, Value>, keys: Keys<'_>) -> ToolReply {
        let mut wait = self.settings.backoff;
        let mut attempt = 1;
        loop {
            let reply = self.attempt(body, keys);
            let mut told = None;
            let may_help = match &reply {
                Ok(reply) => matches!(reply.code, Code::TooManyRequests | Code::RateLimit),
                Err(Failed::Status(status, seconds)) => {
                    told = *seconds;
                    *status == 429 || *status >= 500
                }
                Err(Failed::Connection(_)) => true,
                Err(Failed::Timeout | Failed::TooLong) => false,
            };
            let pause = told.map_or(wait, |told| told.max(wait));
            if attempt < self.settings.attempts && may_help && pause <= LONGEST_WAIT {
                std::thread::sleep(pause);
                wait = wait.saturating_mul(2);
                attempt += 1;
                continue;
            }
            return reply.unwrap_or_else(|failed| failed.reply(self.settings.reply_bytes));
        }
    }

    fn attempt(&self, body: &Map<String, Value>, keys: Keys<'_>) -> Result<ToolReply, Failed> {
        self.pace.wait();
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json");
        if let Some(key) = keys.server {
            request = request.header("toolbench_key", key.secret());
        }
        let text = serde_json::to_string(body).map_err(|e| Failed::Connection(e.to_string()))?;
        let reply = request.send(&text)?;
        let status = reply.status().as_u16();
        if status != 200 {
            let told = reply.headers().get("retry-after");
            let seconds = told.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
            return Err(Failed::Status(status, seconds.map(Duration::from_secs)));
        }
        let limit = self.settings.reply_bytes as u64;
        let mut bytes = Vec::new();
        let reader = reply.into_body().into_reader();
        if let Err(error) = reader.take(limit + 1).read_to_end(&mut bytes) {
            return Err(Failed::from(ureq::Error::from(error)));
        }
        if bytes.len() as u64 > limit {
            return Err(Failed::TooLong);
        }
        Ok(read(&bytes, keys))
    }
}

/// An address without what may be a key: a password, a query.
fn shown(url: &str) -> String {
    let before = url.split(['?', '#']).next().unwrap_or_default();
    let after = before.rsplit('@').next().unwrap_or_default();
    match (before == url, after == before) {
        (true, true) => url.to_owned(),
        (true, false) => format!("…@{after}"),
        (false, true) => format!("{after}…"),
        (false, false) => format!("…@{after}…"),
    }
}

/// The address with its path.
fn address(url: &str, path: &'static str) -> Result<String, ServerError> {
    let wrong = |reason: &str| ServerError::Url {
        url: shown(url),
        reason: reason.to_owned(),
        path,
    };
    if url.contains(['?', '#', '@']) {
        return Err(wrong(
            "give scheme, host and path alone; keys belong in the environment",
        ));
    }
    let uri: Uri = url
        .trim()
        .parse()
        .map_err(|error: ureq::http::uri::InvalidUri| wrong(&error.to_string()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("it begins with neither http:// nor https://"));
    }
    if uri.authority().is_none() {
        return Err(wrong("it names no host"));
    }
    let base = url.trim().trim_end_matches('/');
    Ok(match uri.path() {
        "" | "/" => format!("{base}{path}"),
        _ => base.to_owned(),
    })
}

/// A reply's bytes as a reply, without the keys.
fn read(bytes: &[u8], keys: Keys<'_>) -> ToolReply {
    let mut reply = ToolReply::read(&String::from_utf8_lossy(bytes));
    for key in [keys.server, keys.passed_on].into_iter().flatten() {
        reply.error = key.hidden_in(&reply.error);
        hide(key, &mut reply.response);
    }
    reply
}

/// Takes a key out of every text of a reply: as a value, since JSON may spell it with escapes.
fn hide(key: &Key, value: &mut Value) {
    match value {
        Value::String(text) => *text = key.hidden_in(text),
        Value::Array(elements) => elements.iter_mut().for_each(|element| hide(key, element)),
        Value::Object(object) => {
            let entries = std::mem::take(object).into_iter();
            *object = entries
                .map(|(name, mut value)| {
                    hide(key, &mut value);
                    (key.hidden_in(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Failed {
    /// In the words of the published client, which agents have learned from, where it has any.
    fn reply(self, limit: usize) -> ToolReply {
        let failed = |text: String| ToolReply::failed(Code::RequestFailed, text);
        match self {
            Failed::Timeout => ToolReply::failed(Code::Timeout, "Timeout error..."),
            Failed::Status(status, _) => {
                failed(format!("request invalid, data error. status_code={status}"))
            }
            Failed::Connection(reason) => failed(format!("request failed: {reason}")),
            Failed::TooLong => failed(format!("the reply has more than {limit} bytes")),
        }
    }
}

impl From<ureq::Error> for Failed {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Failed::Timeout,
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Failed::Timeout
            }
            other => Failed::Connection(other.to_string()),
        }
    }
}
