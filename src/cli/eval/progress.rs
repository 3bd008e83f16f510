//! How a static evaluation goes on.

use glpft_eval::static_evaluation::{StaticObserver, StepRecord};
use serde_json::json;

use crate::cli::{Counting, OutputArgs};

/// Tells how many steps are answered, and how many of them rightly.
pub(crate) struct StaticProgress {
    steps: Counting,
    right: usize,
}

impl StaticProgress {
    /// Nothing to be seen yet.
    pub(crate) fn new(output: &OutputArgs) -> Self {
        Self {
            steps: Counting::new(output, "steps"),
            right: 0,
        }
    }
}

impl StaticObserver for StaticProgress {
    fn start(&mut self, done: usize, total: usize) {
        self.steps.start(done, total);
    }

    fn load(&mut self) {
        self.steps.load();
    }

    fn trajectory(&mut self, steps: &[StepRecord]) {
        self.right += steps.iter().filter(|step| step.outcome.is_right()).count();
        self.steps.message(format!("{} right", self.right));
        self.steps.add(steps.len());
        if let Some(first) = steps.first() {
            let (done, total) = self.steps.done();
            self.steps.object(&json!({
                "event": "trajectory",
                "trajectory": first.trajectory,
                "done": done,
                "total": total,
            }));
        }
    }

    fn finish(&mut self) {
        self.steps.finish();
    }
}
