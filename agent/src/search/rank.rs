//! Which of several candidates goes on first.

use std::fmt::Debug;

use crate::rollout::PathStep;
use crate::task::Task;

/// Compares candidates for the next step of a path (ToolBench, `LLM_rank`).
pub trait Rank: Debug + Send + Sync {
    /// A score for each candidate, in their order, after the steps of `path`; the highest goes on first, of equals the
    /// earlier. A missing score is the lowest.
    fn scores(&self, task: &Task, path: &[&PathStep], candidates: &[&PathStep]) -> Vec<f64>;
}
