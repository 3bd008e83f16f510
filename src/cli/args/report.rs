//! `glpft report`.

use std::path::PathBuf;

use clap::Args;

/// `glpft report`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run's directory; the page is written into it. The run may be unfinished, and need not be evaluated
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Writes the stages' curves for TensorBoard as well, to RUN/tensorboard; of a run under way, those so far
    #[arg(long)]
    pub tensorboard: bool,
    /// Errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
