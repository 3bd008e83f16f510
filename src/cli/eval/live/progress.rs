//! How a live evaluation goes on.

use glpft_agent::PathStep;
use glpft_eval::RolloutRecord;
use glpft_eval::live_evaluation::{LiveObserver, LiveTask};
use serde_json::json;

use crate::cli::{Counting, OutputArgs};

/// Tells how many tasks are worked on, then how many are judged.
pub(crate) struct LiveProgress {
    tasks: Counting,
}

impl LiveProgress {
    /// Nothing to be seen yet.
    pub(crate) fn new(output: &OutputArgs) -> Self {
        Self {
            tasks: Counting::new(output, "tasks"),
        }
    }
}

impl LiveObserver for LiveProgress {
    fn start(&mut self, done: usize, total: usize) {
        self.tasks.start(done, total);
    }

    fn load(&mut self) {
        self.tasks.load();
    }

    fn step(&mut self, _: &LiveTask, _: &PathStep) {
        self.tasks.message(String::new());
    }

    fn rollout(&mut self, rollout: &RolloutRecord) {
        self.tasks.object(&json!({
            "event": "rollout",
            "task": rollout.task,
            "group": rollout.group,
            "end": rollout.end,
            "steps": rollout.query_count,
        }));
        self.tasks.add(1);
    }

    fn judged(&mut self, done: usize, total: usize) {
        self.tasks.message(format!("judged {done}/{total}"));
    }

    fn finish(&mut self) {
        self.tasks.finish();
    }
}
