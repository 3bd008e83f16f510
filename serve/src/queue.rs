//! Requests that wait for the one who answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use glpft_agent::{Generated, PolicyMessage, TooLong};
use tokio::sync::mpsc::UnboundedSender;

use crate::speaker::{Prompted, Question};

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Event {
    /// The rationale, before the rest.
    Thought(String),
    /// The end: an answer, or why there is none.
    Done(Result<PolicyMessage, Failure>),
    /// The end of a prompt: its completion, or how much too long it is.
    Completed(Result<Generated, TooLong>),
}

/// What a request asks.
#[derive(Debug)]
pub(crate) enum Asks {
    /// A team's next step.
    Step(Question),
    /// A role's answer to a prompt.
    Prompt(Prompted),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The model says that the request cannot be answered.
    Request(String),
    /// The model failed.
    Model,
}

/// A request that waits or is answered.
#[derive(Debug)]
pub(crate) struct Job {
    /// What is asked.
    pub asks: Asks,
    /// Who waits for it; closed once nobody does.
    pub events: UnboundedSender<Event>,
}

/// Why a request may not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many do.
    Full,
    /// The server ends.
    Closed,
}

/// A bounded queue; what is given up before its turn leaves it at once.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Job>,
    closed: bool,
}

/// A place in the queue. Who drops it gives the request up.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Arc<Queue>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.lock().waiting.remove(&self.number);
    }
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// The requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Lets a request wait.
    pub(crate) fn push(self: &Arc<Self>, job: Job) -> Result<Ticket, Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Refused::Full);
        }
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, job);
        drop(state);
        self.changed.notify_one();
        Ok(Ticket {
            queue: Arc::clone(self),
            number,
        })
    }

    /// The requests that have waited longest, `most` at most; none once the queue is closed.
    ///
    /// Waits for the first, then until there are `expected`, but no longer than `gather`: clients that were answered
    /// together ask again within a moment of each other.
    pub(crate) fn take(&self, most: usize, expected: usize, gather: Duration) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            while state.waiting.is_empty() && !state.closed {
                state = wait(self.changed.wait(state));
            }
            let until = Instant::now() + gather;
            while state.waiting.len() < expected.min(most) && !state.closed {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = wait(self.changed.wait_timeout(state, left)).0;
            }
            if state.closed {
                return None;
            }
            let mut jobs = Vec::new();
            while jobs.len() < most
                && let Some((_, job)) = state.waiting.pop_first()
            {
                jobs.push(job);
            }
            // Those who waited may have left meanwhile.
            if !jobs.is_empty() {
                return Some(jobs);
            }
        }
    }

    /// Lets nobody wait any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        wait(self.state.lock())
    }
}

/// A thread that failed leaves the queue as it should be: every change of it is one step.
fn wait<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::Wishes;
    use glpft_agent::Task;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn job(id: &str) -> (Job, UnboundedReceiver<Event>) {
        let (events, receiver) = unbounded_channel();
        let question = Question {
            task: Task {
                id: id.to_owned(),
                query: String::new(),
                functions: Vec::new(),
            },
            turns: Vec::new(),
            instruction: 0,
            wishes: Wishes {
                temperature: None,
                top_p: None,
                seed: None,
                new_tokens: None,
                may_call: true,
            },
        };
        let asks = Asks::Step(question);
        (Job { asks, events }, receiver)
    }

    fn ids(jobs: Option<Vec<Job>>) -> Vec<String> {
        let jobs = jobs.unwrap_or_default();
        jobs.into_iter()
            .map(|job| match job.asks {
                Asks::Step(question) => question.task.id,
                Asks::Prompt(prompted) => prompted.prompt.to_string(),
            })
            .collect()
    }

    #[test]
    fn a_full_queue_refuses_until_somebody_leaves() {
        let queue = Arc::new(Queue::new(2));
        let push = |id| queue.push(job(id).0);
        let (first, second) = (push("a"), push("b"));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(push("c").err(), Some(Refused::Full));
        drop(first);
        let fourth = push("d");
        assert!(fourth.is_ok());
        assert_eq!(ids(queue.take(9, 0, Duration::ZERO)), ["b", "d"]);
        assert_eq!(queue.len(), 0);
        // Taken already: leaving changes nothing.
        drop((second, fourth));
        let _one = push("e");
        let _two = push("f");
        assert_eq!(ids(queue.take(1, 2, Duration::from_secs(9))), ["e"]);
        queue.close();
        assert_eq!(push("g").err(), Some(Refused::Closed));
        assert!(queue.take(1, 1, Duration::ZERO).is_none());
    }

    #[test]
    fn those_expected_are_waited_for() {
        let queue = Arc::new(Queue::new(9));
        let _first = queue.push(job("a").0);
        let other = Arc::clone(&queue);
        let pusher = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            other.push(job("b").0)
        });
        assert_eq!(ids(queue.take(9, 2, Duration::from_secs(20))), ["a", "b"]);
        drop(pusher.join());
        let _third = queue.push(job("c").0);
        assert_eq!(ids(queue.take(9, 2, Duration::from_millis(5))), ["c"]);
    }
}
