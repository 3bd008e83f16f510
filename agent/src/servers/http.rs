//! What both servers' clients have in common: one POST, its reply read with care.

use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value};
use ureq::http::Uri;

use super::error::ServerError;
use super::key::Key;
use super::pace::Pace;
use super::settings::HttpSettings;
use crate::calls::Unreached;
use crate::code::Code;
use crate::http::{Fault, FaultKind, HttpClient};
use crate::reply::ToolReply;

/// How long the first look at a server may take.
const LOOK: Duration = Duration::from_secs(10);

/// A server that wants a longer wait is not tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A server's address and the way to it.
#[derive(Debug)]
pub(super) struct Client {
    http: HttpClient,
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
    /// No connection, or one that broke before the reply was whole: the server may have got the call.
    Connection(Fault),
    /// The call cannot be written.
    Unwritten(String),
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
        let http = HttpClient::new(&url, settings.timeout)?;
        let look = http
            .agent()
            .get(&url)
            .config()
            .timeout_global(Some(LOOK.min(settings.timeout)))
            .build()
            .call();
        match look {
            Ok(reply) if reply.status().as_u16() == 404 => Err(ServerError::NotFound { url, path }),
            Ok(reply) if reply.status().as_u16() == 407 => Err(ServerError::Unreachable {
                url,
                reason: "the proxy wants a name and a password: put them into its address"
                    .to_owned(),
            }),
            Ok(_) => Ok(Self {
                http,
                url,
                pace: Pace::new(settings.interval),
                settings,
            }),
            Err(error) => Err(ServerError::Unreachable {
                url,
                reason: http.fault(&error).to_string(),
            }),
        }
    }

    /// Where calls are sent.
    pub fn url(&self) -> &str {
        &self.url
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
                // The next connection would find the same certificate.
                Err(Failed::Connection(fault)) => fault.kind != FaultKind::Certificate,
                Err(Failed::Timeout | Failed::TooLong | Failed::Unwritten(_)) => false,
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
            .http
            .agent()
            .post(&self.url)
            .header("content-type", "application/json");
        if let Some(key) = keys.server {
            request = request.header("toolbench_key", key.secret());
        }
        let text = serde_json::to_string(body).map_err(|e| Failed::Unwritten(e.to_string()))?;
        let reply = request.send(&text).map_err(|error| self.failed(&error))?;
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
            return Err(self.failed(&ureq::Error::from(error)));
        }
        if bytes.len() as u64 > limit {
            return Err(Failed::TooLong);
        }
        Ok(read(&bytes, keys))
    }

    fn failed(&self, error: &ureq::Error) -> Failed {
        let fault = self.http.fault(error);
        match fault.kind {
            FaultKind::Timeout => Failed::Timeout,
            _ => Failed::Connection(fault),
        }
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
    match Unreached::of_code(reply.code) {
        Some(why) => reply.without_tool(why),
        None => reply,
    }
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
        let (reply, why) = match self {
            Failed::Timeout => (
                ToolReply::failed(Code::Timeout, "Timeout error..."),
                Unreached::Timeout,
            ),
            Failed::Status(status, _) => (
                failed(format!("request invalid, data error. status_code={status}")),
                Unreached::Status(status),
            ),
            Failed::Connection(fault) => (
                failed("request failed: connection error".to_owned()).with_fault(fault.to_string()),
                Unreached::Connection,
            ),
            Failed::Unwritten(reason) => (
                failed(format!("request failed: {reason}")),
                Unreached::Connection,
            ),
            Failed::TooLong => (
                failed(format!("the reply has more than {limit} bytes")),
                Unreached::TooLong,
            ),
        };
        reply.without_tool(why)
    }
}
