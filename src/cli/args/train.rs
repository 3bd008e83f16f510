//! `glpft train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CommonArgs, DeviceArgs, RanksArgs, SignalArgs};

/// A stage, or all local ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageArg {
    /// The backbone
    Global,
    /// The planner
    Planner,
    /// The caller
    Caller,
    /// The summarizer
    Summarizer,
    /// Planner, caller and summarizer
    Local,
}

/// `glpft train`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    /// Writes the first step's averaged gradients to a safetensors file, for comparison with other programs
    #[arg(long, value_name = "FILE", hide = true)]
    pub dump_gradients: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Which stage
    #[arg(long, value_enum)]
    pub stage: StageArg,
    /// The Hugging Face model directory or GGUF file to start from; default: what the recipe says, usually the run's global model
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Caps the stage at N steps, and its learning rate's schedule with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
    #[command(flatten)]
    pub ranks: RanksArgs,
    #[command(flatten)]
    pub signals: SignalArgs,
    /// Takes orders from the process that started this one on the standard input: `stop`, `save`; stops when that ends
    #[arg(long, hide = true)]
    pub steered: bool,
}
