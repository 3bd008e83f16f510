//! `glpft compare`.

use std::path::PathBuf;

use clap::Args;

/// `glpft compare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    /// The runs' directories, two or more. They may be unfinished or not evaluated
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub runs: Vec<PathBuf>,
    /// The file to write the page to
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    pub out: PathBuf,
    /// Errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
