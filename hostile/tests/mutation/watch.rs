//! Ends the test where a case does not end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What runs now, and since when.
type Running = Option<(String, Instant)>;

pub struct Watch {
    running: Arc<Mutex<Running>>,
}

impl Watch {
    pub fn start(longest: Duration) -> Self {
        let running: Arc<Mutex<Running>> = Arc::default();
        let seen = Arc::clone(&running);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let running = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((case, since)) = running.as_ref()
                    && since.elapsed() > longest
                {
                    eprintln!("GLPFT_CASE={case} does not end");
                    std::process::abort();
                }
            }
        });
        Self { running }
    }

    pub fn begin(&self, case: &str) {
        self.set(Some((case.to_owned(), Instant::now())));
    }

    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, running: Running) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}
