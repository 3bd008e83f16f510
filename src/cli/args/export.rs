//! `glpft export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{OutputArgs, RecipeArgs};

/// A model of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// The backbone
    Global,
    /// The planner
    Planner,
    /// The caller
    Caller,
    /// The summarizer
    Summarizer,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeArg {
    /// 32 bits
    F32,
    /// 16 bits, IEEE
    F16,
    /// 16 bits, bfloat
    Bf16,
}

/// `glpft export`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// The run's directory; default: ./runs/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Which of the run's models
    #[arg(long, value_enum)]
    pub role: Option<RoleArg>,
    /// The directory to write
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Adds an adapter to its base: a whole model
    #[arg(long)]
    pub merge: bool,
    /// The model that an adapter belongs to; default: the one that the adapter names
    #[arg(long, value_name = "DIR")]
    pub base: Option<PathBuf>,
    /// What the exported adapter calls its base, such as its name on the Hugging Face hub; default: the base's path
    #[arg(long, value_name = "NAME", conflicts_with = "merge")]
    pub base_name: Option<String>,
    /// Stores the weights in another type; default: the type that they are stored in, merged ones the base's
    #[arg(long, value_enum)]
    pub dtype: Option<DtypeArg>,
    /// Replaces what is at --to
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}
