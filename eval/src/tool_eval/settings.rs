//! How rollouts are judged.

/// How rollouts are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolEvalSettings {
    /// How often each question is asked; majorities count. ToolEval's `evaluate_times`.
    pub rounds: usize,
    /// Seeds the coins: what is decided where a judge cannot tell, and in which order it is shown two rollouts. The
    /// confidence intervals, too.
    pub seed: u64,
    /// How many tasks are judged at once.
    pub parallel: usize,
    /// Whether what the judge gave no judgment of is asked for again.
    pub ask_again: bool,
}

impl Default for ToolEvalSettings {
    fn default() -> Self {
        Self {
            rounds: 7,
            seed: 0,
            parallel: 4,
            ask_again: false,
        }
    }
}
