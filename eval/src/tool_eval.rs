//! ToolEval's scores of rollouts (ToolBench, `toolbench/tooleval`) and StableToolBench's, of what a [`Judge`] says.
//!
//! - **Pass rate**: a rollout passes where the judge finds it solved, or the task unsolvable ([`TaskVerdict`]).
//! - **Win rate** against other rollouts of the same tasks: who passes alone wins, else who the judge prefers
//!   ([`WinVerdict`]).
//! - **Solvable pass and win rate** (StableToolBench): the same of solvable tasks alone, where only answers count.
//!
//! [`judge_rollouts`] asks, [`ToolEvalScores`] counts: by test set, and the average over test sets.

mod coin;
mod judging;
mod passing;
mod rates;
mod scores;
mod seeds;
mod settings;
mod verdict;
mod winning;

pub use judging::{
    Interrupted, Judged, JudgingObserver, ToJudge, UnjudgedPart, UnjudgedTask, judge_rollouts,
};
pub use passing::{Passing, judge_passing};
pub use rates::{GroupRate, Rate, Rates};
pub use scores::ToolEvalScores;
pub use seeds::rate_over_seeds;
pub use settings::ToolEvalSettings;
pub use verdict::TaskVerdict;
pub use winning::{Outcome, WinVerdict, judge_winning};

#[cfg(doc)]
use crate::judge::Judge;

#[cfg(test)]
mod tests;
