//! `glpft serve`.

use std::path::PathBuf;

use clap::Args;

use super::{DeviceArgs, OutputArgs, PrecisionArg, TeamArgs, at_least_one};

/// Where a server listens, and whom it serves.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddressArgs {
    /// The name or address to listen at; only programs of this machine reach the default
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The port; 0 takes a free one
    #[arg(long, default_value = "8000")]
    pub port: u16,
    /// Serves only whoever shows the key that this environment variable holds
    #[arg(long, value_name = "VARIABLE")]
    pub key_env: Option<String>,
}

/// `glpft serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    #[command(flatten)]
    pub place: AddressArgs,
    /// The name that requests ask for; default: the directory's
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// A file of prompt templates; default: the run's, or the built-in ones
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// The longest prompt: the last N tokens are kept, fewer where the model has no positions for them and an answer
    #[arg(long, value_name = "N", default_value = "3576", value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    /// The longest answer of each role, where a request does not say
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one)]
    pub max_new_tokens: usize,
    /// Draws tokens where a request does not say, instead of taking the likeliest; greater is more varied
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Draws only from the likeliest tokens that have this probability together
    #[arg(long, value_name = "P", requires = "temperature")]
    pub top_p: Option<f64>,
    /// Seeds what is drawn
    #[arg(long, default_value = "0", requires = "temperature")]
    pub seed: u64,
    /// How many requests are answered together: more is faster where memory allows
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub batch: usize,
    /// How many requests may wait; one more is sent away (429)
    #[arg(long, value_name = "N", default_value = "128", value_parser = at_least_one)]
    pub waiting: usize,
    /// How layers' products are computed
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
