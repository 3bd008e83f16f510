//! `glpft run` and `glpft prepare`.

use clap::Args;

use super::{CommonArgs, DeviceArgs, RanksArgs, SignalArgs};

/// `glpft run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Prints the plan (stages, steps, tokens, estimated memory); trains and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Caps every stage at N steps, and its learning rate's schedule with it: a smoke run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
    #[command(flatten)]
    pub ranks: RanksArgs,
    #[command(flatten)]
    pub signals: SignalArgs,
}

/// `glpft prepare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PrepareArgs {
    #[command(flatten)]
    pub common: CommonArgs,
}
