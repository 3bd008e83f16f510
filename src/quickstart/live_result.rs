//! What a contestant achieved at work with tools.

use glpft_eval::live_evaluation::LiveReport;
use serde::Serialize;

/// Held-out tasks worked on by one strategy, judged by the world's truth.
#[derive(Clone, Debug, Serialize)]
pub struct LiveResult {
    /// `react` or `dfsdt`.
    pub strategy: String,
    /// All of it.
    pub report: LiveReport,
}

impl LiveResult {
    /// The share of tasks that pass, mean over the test sets.
    pub fn pass_rate(&self) -> Option<f64> {
        let rates = self.report.scores.pass_rate.as_ref();
        rates.map(|rates| rates.average.rate)
    }

    /// The pass rate's 95 % interval over tasks.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let rates = self.report.scores.pass_rate.as_ref()?;
        let [low, high] = rates.average.interval?;
        Some((low, high))
    }

    /// How many of the tasks cannot be done.
    pub fn impossible(&self) -> usize {
        let rates = self.report.scores.impossible_pass_rate.as_ref();
        let groups = rates.map_or(&[][..], |rates| &rates.groups);
        groups.iter().map(|group| group.tasks).sum()
    }
}
