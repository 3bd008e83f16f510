//! `glpft doctor`.

use clap::Args;

/// `glpft doctor`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}
