//! Who is told how a live evaluation goes.

use glpft_agent::PathStep;

use super::tasks::LiveTask;
use crate::rollout::RolloutRecord;

/// Is told how a live evaluation goes; every method does nothing by default.
pub trait LiveObserver {
    /// `total` tasks are to be worked on, of which an earlier start has done `done`.
    fn start(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// The models are about to be loaded: there are tasks left.
    fn load(&mut self) {}

    /// A task has another step.
    fn step(&mut self, task: &LiveTask, step: &PathStep) {
        let _ = (task, step);
    }

    /// A task's rollout is over; it is written once its batch is.
    fn rollout(&mut self, rollout: &RolloutRecord) {
        let _ = rollout;
    }

    /// So many of so many tasks are judged.
    fn judged(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// Everything is done.
    fn finish(&mut self) {}
}

/// Tells nobody.
impl LiveObserver for () {}
