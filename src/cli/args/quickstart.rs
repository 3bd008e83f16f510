//! `glpft quickstart`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glpft::quickstart::Comparison;

use super::{DeviceArgs, OutputArgs, SignalArgs, SizeArg, at_least_one};

/// `glpft quickstart`.
#[derive(Clone, Debug, Args)]
pub(crate) struct QuickstartArgs {
    /// The directory; finished parts in it are not done again
    #[arg(long, value_name = "DIR", default_value = "./runs/quickstart")]
    pub out: PathBuf,
    /// The seed of the world and of training. src/quickstart/base/README.md says what the base model has read
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// The world's size
    #[arg(long, value_enum, default_value = "small")]
    pub size: SizeArg,
    /// Starts from scratch: removes the quick start in the directory
    #[arg(long)]
    pub overwrite: bool,
    /// The number of live tasks from each of the six test sets
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub tasks: usize,
    /// What is trained and measured beside the base and the team's stages
    #[arg(long, value_name = "WHAT", value_enum, default_value = "single")]
    pub compare: CompareArg,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub signals: SignalArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `--compare`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CompareArg {
    /// Nothing
    Stages,
    /// A single model with as much training as the team
    Single,
    /// That, and the paper's other arrangements: one-stage, multi-task, without reuse
    All,
}

impl From<CompareArg> for Comparison {
    fn from(compare: CompareArg) -> Self {
        match compare {
            CompareArg::Stages => Comparison::Stages,
            CompareArg::Single => Comparison::Single,
            CompareArg::All => Comparison::All,
        }
    }
}
