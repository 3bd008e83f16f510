//! Which of several candidates goes on first.

use std::fmt::Debug;

use crate::code::Code;
use crate::rollout::PathStep;
use crate::task::Task;

/// Compares candidates for the next step of a path (ToolBench, `LLM_rank`).
pub trait Rank: Debug + Send + Sync {
    /// A score for each candidate, in their order, after the steps of `path`; the highest goes on first, of equals the
    /// earlier. A missing score is the lowest.
    fn scores(&self, task: &Task, path: &[&PathStep], candidates: &[&PathStep]) -> Vec<f64>;
}

/// Where a tool replied, or an answer was given, before where something went wrong, and giving up last.
///
/// ToolBench asks a large model to compare; who has none to ask can still see that much.
#[derive(Clone, Copy, Debug)]
pub struct RepliesFirst;

impl Rank for RepliesFirst {
    fn scores(&self, _: &Task, _: &[&PathStep], candidates: &[&PathStep]) -> Vec<f64> {
        let score = |step: &&PathStep| match step.code {
            Code::Replied | Code::Answered => 1.0,
            Code::GaveUp => -1.0,
            _ => 0.0,
        };
        candidates.iter().map(score).collect()
    }
}
