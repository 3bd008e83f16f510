//! An answer in parts, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event as Part, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use glpft_agent::readable;
use serde_json::Value;

use super::ChatState;
use super::answer::Answer;
use super::completion::Completion;
use super::failure::Failure;
use super::request::Asking;
use super::under_way::{UnderWay, Waiting, failure};
use crate::queue::Event;

/// A comment is sent as often while there is nothing else: clients and what is between learn that the server lives, and
/// the server that the client does.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Answers in parts: the role at once, the rationale and the rest when they are there, a failure as OpenAI's error
/// object.
pub(super) fn stream(
    state: Arc<ChatState>,
    waiting: Waiting,
    request: Asking,
    under_way: UnderWay,
) -> Response {
    let Asking {
        stop,
        notes,
        stream_usage: tell_usage,
        ..
    } = request;
    let completion = Completion::new(&state.settings.model, notes);
    let parts = Parts {
        ready: VecDeque::from([completion.first().to_string()]),
        completion,
        state,
        waiting,
        stop,
        tell_usage,
        thought_told: false,
        done: false,
        under_way,
    };
    let events = unfold(parts, |mut parts| async move {
        let text = parts.next().await?;
        Some((Ok::<Part, Infallible>(Part::default().data(text)), parts))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

struct Parts {
    state: Arc<ChatState>,
    completion: Completion,
    waiting: Waiting,
    stop: Vec<String>,
    tell_usage: bool,
    /// What is to be sent.
    ready: VecDeque<String>,
    thought_told: bool,
    done: bool,
    under_way: UnderWay,
}

impl Parts {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Some(text);
            }
            if self.done {
                self.under_way.answered(200);
                return None;
            }
            match self.waiting.next().await {
                Ok(Event::Thought(thought)) => self.thought(readable(&thought)),
                Ok(Event::Done(Ok(said))) => {
                    if let Some(too_long) = said.too_long {
                        self.failed(&Failure::too_long(too_long));
                        continue;
                    }
                    let answer = Answer::new(said, &self.stop);
                    self.answer(&answer);
                }
                // Prompts are not streamed.
                Ok(Event::Completed(_)) => {}
                Ok(Event::Done(Err(reason))) => self.failed(&failure(reason)),
                Err(late) => self.failed(&late),
            }
        }
    }

    fn push(&mut self, part: &Value) {
        self.ready.push_back(part.to_string());
    }

    fn thought(&mut self, thought: &str) {
        if !self.thought_told {
            self.thought_told = true;
            let part = self.completion.thought(thought);
            self.push(&part);
        }
    }

    fn answer(&mut self, answer: &Answer) {
        if let Some(thought) = &answer.rationale {
            self.thought(thought);
        }
        if let Some(usage) = answer.usage {
            self.state.shared.metrics.used(usage);
        }
        for part in self.completion.parts(answer) {
            self.push(&part);
        }
        if self.tell_usage {
            let part = self.completion.usage(answer);
            self.push(&part);
        }
        self.end();
    }

    fn failed(&mut self, failure: &Failure) {
        self.push(&failure.to_json());
        self.end();
    }

    fn end(&mut self) {
        self.ready.push_back("[DONE]".to_owned());
        self.done = true;
    }
}
