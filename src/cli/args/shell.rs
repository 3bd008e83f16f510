//! `glpft completions` and `glpft man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `glpft completions`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `glpft man`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory to write to; created if missing
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
