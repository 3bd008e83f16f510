//! `glpft status`.

use std::path::PathBuf;

use clap::Args;

/// `glpft status`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    /// A run's directory, a study's, or a folder of runs
    #[arg(value_name = "RUN", default_value = "runs")]
    pub run: PathBuf,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
