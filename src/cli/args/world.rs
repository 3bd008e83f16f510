//! `glpft world`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AddressArgs, OutputArgs, SizeArg};

/// `glpft world …`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    /// Writes a world's files: training answers in ToolBench's raw format, test tasks, tools, the truth
    Generate(WorldGenerateArgs),
    /// Serves a world's tools as ToolBench's RapidAPI server (POST /rapidapi) and StableToolBench's (POST /virtual) do
    Serve(WorldServeArgs),
}

/// Which world.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorldArgs {
    /// The world's seed; seed and size determine the world
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// The world's size
    #[arg(long, value_enum, default_value = "small")]
    pub size: SizeArg,
}

/// `glpft world generate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorldGenerateArgs {
    /// The directory to write; it appears whole or not at all
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    #[command(flatten)]
    pub world: WorldArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft world serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorldServeArgs {
    #[command(flatten)]
    pub world: WorldArgs,
    #[command(flatten)]
    pub place: AddressArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
