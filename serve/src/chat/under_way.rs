//! A request that is under way.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::failure::Failure;
use crate::queue::{Asks, Event, Failure as Reason, Job, Refused, Ticket};
use crate::worker::Shared;

/// Counts a request while it is under way, and how it ended: with a status, or since its client left.
pub(super) struct UnderWay {
    shared: Arc<Shared>,
    route: &'static str,
    since: Instant,
    answered: bool,
}

impl UnderWay {
    pub(super) fn new(shared: &Arc<Shared>, route: &'static str) -> Self {
        shared.metrics.under_way.inc();
        Self {
            shared: Arc::clone(shared),
            route,
            since: Instant::now(),
            answered: false,
        }
    }

    pub(super) fn answered(&mut self, status: u16) {
        self.answered = true;
        let metrics = &self.shared.metrics;
        metrics.answered(self.route, status, self.since.elapsed());
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.metrics.under_way.dec();
        if !self.answered {
            self.shared.metrics.left.inc();
        }
    }
}

/// A question that waits for its answer; dropped, it is given up.
pub(super) struct Waiting {
    events: UnboundedReceiver<Event>,
    until: Instant,
    _ticket: Ticket,
}

impl Waiting {
    /// Lets a question wait until `until` at the latest.
    ///
    /// # Errors
    /// Where too many wait, or the server ends.
    pub(super) fn new(shared: &Shared, asks: Asks, until: Instant) -> Result<Self, Failure> {
        let (events, receiver) = unbounded_channel();
        match shared.queue.push(Job { asks, events }) {
            Ok(ticket) => Ok(Self {
                events: receiver,
                until,
                _ticket: ticket,
            }),
            Err(Refused::Full) => Err(Failure::full()),
            Err(Refused::Closed) => Err(Failure::closed()),
        }
    }

    /// What happens next.
    pub(super) async fn next(&mut self) -> Result<Event, Failure> {
        match tokio::time::timeout_at(self.until.into(), self.events.recv()).await {
            Ok(Some(event)) => Ok(event),
            // The model's thread let go of the question.
            Ok(None) => Ok(Event::Done(Err(Reason::Model))),
            Err(_) => Err(Failure::late()),
        }
    }
}

/// Why the model did not answer, as its client is told.
pub(super) fn failure(reason: Reason) -> Failure {
    match reason {
        Reason::Request(problem) => Failure::invalid(
            "messages",
            format!("the model cannot answer this: {problem}"),
        ),
        Reason::Model => Failure::model(),
    }
}
