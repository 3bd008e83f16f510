//! Which models answer.

use std::path::PathBuf;

use clap::Args;

/// Which models answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct TeamArgs {
    /// A run's directory
    #[arg(
        value_name = "RUN",
        required_unless_present_any = ["planner", "single"],
        conflicts_with_all = ["planner", "caller", "summarizer", "single"]
    )]
    pub run: Option<PathBuf>,
    /// The planner: a model directory, an adapter's, or a run's
    #[arg(long, value_name = "DIR", requires_all = ["caller", "summarizer"])]
    pub planner: Option<PathBuf>,
    /// The caller
    #[arg(long, value_name = "DIR", requires = "planner")]
    pub caller: Option<PathBuf>,
    /// The summarizer
    #[arg(long, value_name = "DIR", requires = "planner")]
    pub summarizer: Option<PathBuf>,
    /// One model for whole steps, trained on the backbone's data: a model directory, an adapter's, or a run's global model
    #[arg(long, value_name = "DIR", conflicts_with = "planner")]
    pub single: Option<PathBuf>,
}
