//! `glpft serve`.

use clap::Args;

use super::{AskingArgs, OutputArgs, TeamArgs, at_least_one};

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
    /// The longest prompt: the last N tokens are kept, fewer where the model has no positions for them and an answer
    #[arg(long, value_name = "N", default_value = "3576", value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    #[command(flatten)]
    pub asking: AskingArgs,
    /// How many requests are answered together: more is faster where memory allows
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub batch: usize,
    /// How many requests may wait; one more is sent away (429)
    #[arg(long, value_name = "N", default_value = "128", value_parser = at_least_one)]
    pub waiting: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}
