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

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// A Hugging Face or PEFT directory
    Huggingface,
    /// One file for llama.cpp
    Gguf,
}

/// What a team is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// A directory for vLLM: the backbone once, adapters by name, a start script
    Vllm,
    /// A directory for Ollama: GGUF files, a Modelfile a role
    Ollama,
}

/// How a GGUF file stores matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeArg {
    /// 32 bits
    F32,
    /// 16 bits, IEEE
    F16,
    /// 16 bits, bfloat
    Bf16,
    /// 8 bits and a scale for every 32
    #[value(name = "q8_0")]
    Q8_0,
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
    /// The directory or GGUF file to write
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
    /// A directory, or one file for llama.cpp
    #[arg(long, value_enum, default_value_t = FormatArg::Huggingface)]
    pub format: FormatArg,
    /// Lays out all of a run's models for a serving engine
    #[arg(long = "for", value_enum, value_name = "ENGINE", conflicts_with_all = ["role", "merge", "format", "base", "base_name"])]
    pub engine: Option<EngineArg>,
    /// How a GGUF file stores matrices; default: f16
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub kind: Option<TypeArg>,
    /// Merges an adapter into its base, which gives a whole model
    #[arg(long)]
    pub merge: bool,
    /// The model that an adapter belongs to; default: the one that the adapter names
    #[arg(long, value_name = "DIR")]
    pub base: Option<PathBuf>,
    /// What the exported adapter calls its base, such as its name on the Hugging Face hub; default: the base's path
    #[arg(long, value_name = "NAME", conflicts_with = "merge")]
    pub base_name: Option<String>,
    /// The type of the stored weights; default: their present type, or the base's if merged
    #[arg(long, value_enum)]
    pub dtype: Option<DtypeArg>,
    /// Replaces what is at --to
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}
