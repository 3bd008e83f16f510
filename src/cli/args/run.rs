//! `glpft run` and `glpft prepare`.

use clap::{Args, ValueEnum};

use super::{CommonArgs, DeviceArgs, RanksArgs, SignalArgs};

/// What trains at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ParallelArg {
    /// Planner, caller and summarizer, after the global stage
    Roles,
}

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
    /// Trains the roles at the same time, each in a process of its own
    ///
    /// Each role has a device of its own: give several with --device, separated by commas; `--device cuda` means all of that
    /// kind. On the CPU the threads are divided. Worth it with several devices, or with many cores and a small model; with few
    /// cores it gains little and takes as much memory as three. Role adapters train in one pass without it.
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "ranks")]
    pub parallel: Option<ParallelArg>,
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
