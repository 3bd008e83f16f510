//! One question, asked until it is answered.

use std::sync::PoisonError;
use std::thread::sleep;
use std::time::Duration;

use glpft_agent::FaultKind;
use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::form::Form;
use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::{FILTERED, HttpJudge};
use crate::judge::error::{JudgeError, WithoutJudgment};

/// No completion that holds a judgment is longer, in bytes.
const LONGEST: u64 = 4 << 20;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What became of an attempt that gave no judgment.
enum Failure {
    /// Asking again may help, after this time where the endpoint told one.
    Passing(String, Option<Duration>, Why),
    /// The request is refused as it is.
    Refused(Refusal),
    /// It will not help to ask this again.
    Filtered(String),
    /// It will not help to ask anything.
    Unreachable(String),
}

/// Whose fault it is where an attempt gave nothing, as far as can be told.
#[derive(Clone, Copy)]
enum Why {
    /// Nobody is there, or it has too much to do: not this question's.
    Everybody,
    /// It works at the question and fails, or takes too long.
    Failing,
    /// It answers with what is no judgment.
    Unreadable,
}

impl HttpJudge {
    /// Asks until `read` makes something of the call's arguments. A request that is refused for how it is put is put
    /// otherwise, and so are all later ones.
    pub(super) fn ask<T>(
        &self,
        form: &Form,
        read: impl Fn(&Map<String, Value>) -> Result<T, String>,
    ) -> Result<T, JudgeError> {
        let attempts = self.settings.attempts.max(1);
        let mut wait = self.settings.backoff;
        let mut attempt = 1;
        loop {
            let dialect = self.dialect();
            let failure = match self.attempt(dialect, form, &read) {
                Ok(judgment) => return Ok(judgment),
                Err(failure) => failure,
            };
            let (reason, told, why) = match failure {
                Failure::Refused(refusal) => match self.learn(dialect, &refusal) {
                    true => continue,
                    false => return Err(self.refused(&refusal)),
                },
                Failure::Filtered(reason) => {
                    return Err(self.without_judgment(reason, WithoutJudgment::Filtered));
                }
                Failure::Unreachable(reason) => {
                    return Err(JudgeError::Unreachable {
                        url: self.url.clone(),
                        reason,
                    });
                }
                Failure::Passing(reason, told, why) => (reason, told, why),
            };
            if attempt >= attempts {
                let reason = format!("{reason} (after {attempts} attempts)");
                return Err(match why {
                    Why::Everybody => JudgeError::NoAnswer {
                        url: self.url.clone(),
                        attempts,
                        reason,
                    },
                    Why::Failing => self.without_judgment(reason, WithoutJudgment::Failing),
                    Why::Unreadable => self.without_judgment(reason, WithoutJudgment::Unreadable),
                });
            }
            attempt += 1;
            // `Retry-After: 0` is no reason to hurry.
            sleep(told.map_or(wait, |told| told.max(wait)).min(LONGEST_WAIT));
            wait = wait.saturating_mul(2);
        }
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request that was refused in this dialect is worth another try: another one is known by now, or the
    /// refusal tells of one.
    fn learn(&self, used: Dialect, refusal: &Refusal) -> bool {
        let mut known = self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != used {
            return true;
        }
        let is_of_form = !matches!(refusal.status, 401 | 403 | 429) && !refusal.is_of_the_text();
        match used.without(refusal).filter(|_| is_of_form) {
            Some(other) => {
                *known = other;
                true
            }
            None => false,
        }
    }

    fn refused(&self, refusal: &Refusal) -> JudgeError {
        // A refusal may repeat what it was sent.
        let reason = self.without_key(&refusal.told());
        match refusal.may_be_of_one() {
            true if refusal.is_of_the_text() => {
                self.without_judgment(reason, WithoutJudgment::Filtered)
            }
            true => self.without_judgment(reason, WithoutJudgment::Refused),
            false => JudgeError::Refused {
                url: self.url.clone(),
                reason,
            },
        }
    }

    fn without_judgment(&self, reason: String, why: WithoutJudgment) -> JudgeError {
        JudgeError::Unjudged {
            url: self.url.clone(),
            reason,
            why,
        }
    }

    /// Asks once.
    fn attempt<T>(
        &self,
        dialect: Dialect,
        form: &Form,
        read: impl Fn(&Map<String, Value>) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let mut request = self
            .http
            .agent()
            .post(&self.url)
            .header("Content-Type", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let body = dialect.body(&self.settings, form).to_string();
        let mut response = request.send(body).map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let told = header("Retry-After").and_then(|seconds| seconds.trim().parse().ok());
        let told = told.map(Duration::from_secs);
        let elsewhere = header("Location").filter(|_| (300..400).contains(&status));
        let elsewhere = elsewhere.map(str::to_owned);
        let text = response
            .body_mut()
            .with_config()
            .limit(LONGEST)
            .read_to_string();
        if !(200..300).contains(&status) {
            let refusal = Refusal::read(status, &text.unwrap_or_default(), elsewhere.as_deref());
            return Err(self.failure(refusal, told));
        }
        let text = match text {
            Ok(text) => text,
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                let reason = format!("its reply has more than {LONGEST} bytes");
                return Err(Failure::Passing(reason, None, Why::Unreadable));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        let unreadable =
            |reason: String| Failure::Passing(self.without_key(&reason), None, Why::Unreadable);
        let found = match reply::read(&text, form.question.name()).map_err(unreadable)? {
            Reply::Refusal(refusal) => return Err(self.failure(refusal, told)),
            Reply::Filtered => {
                return Err(Failure::Filtered(FILTERED.to_owned()));
            }
            Reply::Arguments(found, instead) if found.is_empty() => {
                return Err(unreadable(instead));
            }
            Reply::Arguments(found, _) => found,
        };
        let mut first = None;
        for arguments in found {
            match read(&self.arguments_without_key(arguments)) {
                Ok(judgment) => return Ok(judgment),
                Err(reason) => {
                    first.get_or_insert(reason);
                }
            }
        }
        Err(unreadable(first.unwrap_or_default()))
    }

    /// What to do about a status that is none of success.
    fn failure(&self, refusal: Refusal, told: Option<Duration>) -> Failure {
        let passing = |why| Failure::Passing(self.without_key(&refusal.told()), told, why);
        match refusal.status {
            408 | 409 | 425 | 429 => passing(Why::Everybody),
            // Some servers say so that they know no tools.
            500..
                if !refusal.is_about(&[
                    "tools param",
                    "support tool",
                    "tool choice",
                    "tool_choice",
                ]) =>
            {
                passing(Why::Failing)
            }
            500.. => match self.dialect().without(&refusal) {
                Some(_) => Failure::Refused(refusal),
                None => passing(Why::Failing),
            },
            _ => Failure::Refused(refusal),
        }
    }

    /// What to do where no answer came.
    fn failed(&self, error: &ureq::Error) -> Failure {
        let fault = self.http.fault(error);
        match fault.kind {
            FaultKind::Timeout => Failure::Passing(fault.to_string(), None, Why::Failing),
            FaultKind::Certificate => Failure::Unreachable(fault.to_string()),
            FaultKind::Connection | FaultKind::Proxy => {
                Failure::Passing(fault.to_string(), None, Why::Everybody)
            }
        }
    }

    /// What a judge says is kept, and it may say what it was sent.
    fn arguments_without_key(&self, mut arguments: Map<String, Value>) -> Map<String, Value> {
        for value in arguments.values_mut() {
            if let Value::String(text) = value {
                *text = self.without_key(text);
            }
        }
        arguments
    }

    fn without_key(&self, text: &str) -> String {
        let key = self.authorization.as_deref();
        match key.and_then(|key| key.strip_prefix("Bearer ")) {
            Some(key) => text.replace(key, "[key]"),
            None => text.to_owned(),
        }
    }
}
