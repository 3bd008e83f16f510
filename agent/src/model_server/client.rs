//! Calls of a model's server, made again where that may help.

use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::address::ModelAddress;
use super::body;
use super::error::ModelServerError;
use super::refusal::Refusal;
use super::settings::ModelServerSettings;
use crate::http::{FaultKind, HttpClient};
use crate::model_calls::ModelCalls;

/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The most bytes of a reply.
const LONGEST: u64 = 16 << 20;
/// How long the server may take to tell of itself.
const LOOK: Duration = Duration::from_secs(10);
/// The name among the counts of a reply that is none.
const UNREADABLE: &str = "unreadable reply";
/// The names of what passes soon.
const BUSY: [&str; 2] = ["status 429", "status 503"];

/// A server, and the way to it.
#[derive(Debug)]
pub(super) struct Client {
    pub address: ModelAddress,
    pub settings: ModelServerSettings,
    http: HttpClient,
    calls: Mutex<ModelCalls>,
}

/// Why a call has no answer.
pub(super) enum Failed {
    /// It may have one another time: what went wrong, its name among the counts, and how long to wait where the server says.
    Passing(String, String, Option<Duration>),
    /// It would have none another time.
    Refused(Refusal),
    /// The server's certificate is not trusted.
    Untrusted(String),
}

impl Client {
    /// Looks whether a server is there, and whether it lets us in.
    pub fn open(
        address: ModelAddress,
        settings: ModelServerSettings,
    ) -> Result<Self, ModelServerError> {
        let client = Self {
            http: HttpClient::new(address.base(), settings.timeout)?,
            calls: Mutex::default(),
            address,
            settings,
        };
        let url = format!("{}/models", client.address.base());
        match client.send(&url, None, LOOK) {
            Err(Failed::Refused(refusal)) if matches!(refusal.status, 401 | 402 | 403 | 407) => {
                Err(client.refused(&url, &refusal))
            }
            Err(Failed::Untrusted(reason)) => Err(ModelServerError::Unreachable { url, reason }),
            Err(Failed::Passing(reason, cause, _)) if !cause.starts_with("status") => {
                Err(ModelServerError::Unreachable { url, reason })
            }
            // Not every server lists its models.
            _ => Ok(client),
        }
    }

    /// What a server says of itself at an address; none where it says nothing there.
    pub fn look(&self, url: &str) -> Option<Value> {
        self.briefly(&|| {
            let unreadable = |reason| Failed::Passing(reason, UNREADABLE.to_owned(), None);
            body::json(&self.send(url, None, LOOK)?).map_err(unreadable)
        })
    }

    /// What a server answers to a short question; none where it has no answer.
    pub fn try_out<T>(
        &self,
        url: &str,
        question: &Value,
        read: &dyn Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        self.briefly(&|| self.attempt(url, question, read, LOOK))
    }

    /// Asks what only shows what a server can do: again where it is busy, or still loads its model. No count knows it.
    fn briefly<T>(&self, ask: &dyn Fn() -> Result<T, Failed>) -> Option<T> {
        let mut wait = self.settings.backoff;
        for _ in 1..self.settings.attempts.max(1) {
            match ask() {
                Ok(answer) => return Some(answer),
                Err(Failed::Passing(_, cause, told)) if BUSY.contains(&cause.as_str()) => {
                    sleep(told.map_or(wait, |told| told.max(wait)).min(LONGEST_WAIT));
                    wait = wait.saturating_mul(2);
                }
                Err(_) => return None,
            }
        }
        ask().ok()
    }

    /// How many calls were made so far.
    pub fn calls(&self) -> ModelCalls {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Posts a question until it is answered, and reads the answer.
    pub fn ask<T>(
        &self,
        url: &str,
        question: &Value,
        read: &dyn Fn(&Value) -> Result<T, String>,
    ) -> Result<T, Asking> {
        let mut wait = self.settings.backoff;
        let mut attempt = 1;
        loop {
            let failed = match self.attempt(url, question, read, self.settings.timeout) {
                Ok(answer) => {
                    self.count(None);
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            match failed {
                Failed::Refused(refusal) => {
                    // What is wrong with a key is no model's; what is wrong with a question is counted as answered.
                    let cause = matches!(refusal.status, 401..=404)
                        .then(|| format!("status {}", refusal.status));
                    self.count(cause);
                    return Err(Asking::Refused(refusal));
                }
                Failed::Untrusted(reason) => {
                    self.count(Some("no connection".to_owned()));
                    return Err(Asking::Failed(ModelServerError::Unreachable {
                        url: url.to_owned(),
                        reason,
                    }));
                }
                Failed::Passing(reason, cause, told) => {
                    self.count(Some(cause));
                    if attempt >= self.settings.attempts.max(1) {
                        return Err(Asking::Failed(ModelServerError::Failing {
                            url: url.to_owned(),
                            attempts: attempt,
                            reason,
                        }));
                    }
                    sleep(told.map_or(wait, |told| told.max(wait)).min(LONGEST_WAIT));
                    wait = wait.saturating_mul(2);
                    attempt += 1;
                }
            }
        }
    }

    fn attempt<T>(
        &self,
        url: &str,
        question: &Value,
        read: &dyn Fn(&Value) -> Result<T, String>,
        timeout: Duration,
    ) -> Result<T, Failed> {
        let unreadable = |reason| Failed::Passing(reason, UNREADABLE.to_owned(), None);
        let text = self.send(url, Some(question), timeout)?;
        let mut json = body::json(&text).map_err(unreadable)?;
        if body::error_in(&json).is_some() {
            // As above: an answer keeps its words, an error is told without the key.
            json = body::json(&self.hidden(&text)).map_err(unreadable)?;
        }
        if let Some((status, said)) = body::error_in(&json) {
            return Err(self.of_status(status, &said, None));
        }
        read(&json).map_err(unreadable)
    }

    /// Sends once; the text of a reply of success.
    fn send(
        &self,
        url: &str,
        question: Option<&Value>,
        timeout: Duration,
    ) -> Result<String, Failed> {
        let agent = self.http.agent();
        let key = self.settings.key.as_ref();
        let authorization = key.map(|key| format!("Bearer {}", key.secret()));
        let timeout = Some(timeout.min(self.settings.timeout));
        let reply = match question {
            Some(question) => {
                let mut request = agent.post(url).header("content-type", "application/json");
                if let Some(authorization) = &authorization {
                    request = request.header("authorization", authorization);
                }
                let request = request.config().timeout_global(timeout).build();
                request.send(question.to_string())
            }
            None => {
                let mut request = agent.get(url);
                if let Some(authorization) = &authorization {
                    request = request.header("authorization", authorization);
                }
                request.config().timeout_global(timeout).build().call()
            }
        };
        let reply = reply.map_err(|error| self.failed(&error))?;
        let status = reply.status().as_u16();
        let header = |name: &str| reply.headers().get(name)?.to_str().ok().map(str::to_owned);
        let told = header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        let told = told.map(Duration::from_secs);
        let mut bytes = Vec::new();
        let reader = reply.into_body().into_reader();
        let read = reader.take(LONGEST + 1).read_to_end(&mut bytes);
        if !(200..300).contains(&status) {
            // Before it is cut: a part of a key would no longer be known as one.
            let said = body::refusal(&self.hidden(&String::from_utf8_lossy(&bytes)));
            return Err(self.of_status(status, &said, told));
        }
        if let Err(error) = read {
            return Err(self.failed(&ureq::Error::from(error)));
        }
        if bytes.len() as u64 > LONGEST {
            let reason = format!("its reply has more than {LONGEST} bytes");
            return Err(Failed::Passing(reason, UNREADABLE.to_owned(), None));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A server's words without the key.
    fn hidden(&self, said: &str) -> String {
        match &self.settings.key {
            Some(key) => key.hidden_in(said),
            None => said.to_owned(),
        }
    }

    /// What a status that is none of success comes to.
    fn of_status(&self, status: u16, said: &str, told: Option<Duration>) -> Failed {
        let said = self.hidden(said);
        match status {
            408 | 409 | 425 | 429 | 500.. => {
                let reason = match said.as_str() {
                    "" => format!("status {status}"),
                    said => format!("status {status}: {said}"),
                };
                Failed::Passing(reason, format!("status {status}"), told)
            }
            _ => Failed::Refused(Refusal { status, said }),
        }
    }

    /// What it comes to that no answer came.
    fn failed(&self, error: &ureq::Error) -> Failed {
        let fault = self.http.fault(error);
        match fault.kind {
            FaultKind::Timeout => Failed::Passing(fault.to_string(), "timed out".to_owned(), None),
            FaultKind::Certificate => Failed::Untrusted(fault.to_string()),
            FaultKind::Connection | FaultKind::Proxy => {
                Failed::Passing(fault.to_string(), "no connection".to_owned(), None)
            }
        }
    }

    /// A refusal as an error.
    pub fn refused(&self, url: &str, refusal: &Refusal) -> ModelServerError {
        let Refusal { status, said } = refusal;
        let advice = match status {
            401..=403 => ". Name the environment variable that holds its key in --model-key",
            404 => ". Is this its address, up to /v1, and has it a model of this name?",
            300..=399 => ". It sends elsewhere: give the address that answers itself",
            407 => ". The proxy wants a name and a password: put them into its address",
            _ if refusal.is_of_the_length() => {
                ". Say in --model-context how many tokens it takes, so that long prompts are shortened"
            }
            _ => "",
        };
        ModelServerError::Refused {
            url: url.to_owned(),
            reason: match said.as_str() {
                "" => format!("status {status}"),
                said => format!("status {status}: {said}"),
            },
            advice,
        }
    }

    fn count(&self, failed: Option<String>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.made += 1;
        if let Some(cause) = failed {
            *calls.failed.entry(cause).or_default() += 1;
        }
    }
}

/// Why a question has no answer, however often it was asked.
pub(super) enum Asking {
    /// It was refused.
    Refused(Refusal),
    /// There is no use in asking.
    Failed(ModelServerError),
}
