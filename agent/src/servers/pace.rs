//! A rate limit that is kept before the server has to remind of it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lets calls begin one after the other, at least an interval apart.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Mutex::new(None),
        }
    }

    /// Returns when a call may begin.
    pub fn wait(&self) {
        if self.interval.is_zero() {
            return;
        }
        let now = Instant::now();
        let at = {
            // A thread that panicked here has left a time, as good as any.
            let mut next = match self.next.lock() {
                Ok(next) => next,
                Err(poisoned) => poisoned.into_inner(),
            };
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + self.interval);
            at
        };
        std::thread::sleep(at.saturating_duration_since(now));
    }
}
