//! `glpft report`.

use std::path::PathBuf;

use clap::Args;

/// `glpft report`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run's directory, where the page is written. The run may be unfinished or not evaluated
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Also writes the stages' curves for TensorBoard, to RUN/tensorboard; for a run under way, those so far
    #[arg(long)]
    pub tensorboard: bool,
    /// Errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
