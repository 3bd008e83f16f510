//! `glpft serve`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use glpft_agent::LongPrompts;

use super::common::seconds;
use super::{AskingArgs, OutputArgs, TeamArgs, at_least_one};

/// Where a server listens, and whom it serves.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddressArgs {
    /// The name or address to listen on; only programs on this machine reach the default
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The port; 0 picks a free one
    #[arg(long, default_value = "8000")]
    pub port: u16,
    /// Requires the key in this environment variable from clients
    #[arg(long, value_name = "VARIABLE")]
    pub key_env: Option<String>,
}

/// What becomes of a prompt that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LongPromptsArg {
    /// Error 400 (`context_length_exceeded`) with the prompt's length and the limit
    Refuse,
    /// Whole oldest turns are left out, as in training; tools, instruction and last turn stay, and the reply says how many
    /// were left out
    OldestTurns,
}

impl From<LongPromptsArg> for LongPrompts {
    fn from(argument: LongPromptsArg) -> Self {
        match argument {
            LongPromptsArg::Refuse => Self::Refuse,
            LongPromptsArg::OldestTurns => Self::OldestTurns,
        }
    }
}

fn origin(text: &str) -> Result<String, String> {
    let is_origin = text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains(['/', ' ', ','])
        });
    match is_origin && text.is_ascii() {
        true => Ok(text.to_owned()),
        false => Err("an origin is SCHEME://HOST[:PORT] without a path, or *".to_owned()),
    }
}

/// `glpft serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    #[command(flatten)]
    pub place: AddressArgs,
    /// The model's name in requests; default: the directory's
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The longest prompt in tokens; default: what the model can read beside an answer of --max-new-tokens
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_prompt_tokens: Option<usize>,
    /// What to do with a longer prompt
    #[arg(long, value_enum, default_value = "refuse")]
    pub long_prompts: LongPromptsArg,
    /// Allows web pages of this origin, such as http://localhost:3000, or `*` for any; repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub cors: Vec<String>,
    #[command(flatten)]
    pub asking: AskingArgs,
    /// The number of requests that are answered together; more is faster, and needs more memory
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub batch: usize,
    /// The number of requests that may wait; further ones get error 429
    #[arg(long, value_name = "N", default_value = "128", value_parser = at_least_one)]
    pub waiting: usize,
    /// The largest number of tools in a request
    #[arg(long, value_name = "N", default_value = "128", value_parser = at_least_one)]
    pub max_tools: usize,
    /// The largest number of messages in a request
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one)]
    pub max_messages: usize,
    /// The largest request body, in MiB
    #[arg(long, value_name = "MIB", default_value = "2", value_parser = at_least_one)]
    pub max_body: usize,
    /// The largest `max_tokens` of a request; larger values are lowered to N
    #[arg(long, value_name = "N", default_value = "4096", value_parser = at_least_one)]
    pub max_tokens: usize,
    /// The time limit of a request, in seconds, waiting included
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub answer_timeout: Duration,
    #[command(flatten)]
    pub output: OutputArgs,
}
