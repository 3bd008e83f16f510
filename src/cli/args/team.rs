//! Which models answer.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::at_least_one;
use super::common::seconds;

/// Which models answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct TeamArgs {
    /// A run's directory
    #[arg(
        value_name = "RUN",
        required_unless_present_any = ["planner", "single", "agent"],
        conflicts_with_all = ["planner", "caller", "summarizer", "single", "agent"]
    )]
    pub run: Option<PathBuf>,
    /// The planner: a model directory, an adapter's, or a run's; or a completion server's address with the model's name
    /// there: http://HOST:8000/v1#MODEL
    #[arg(long, value_name = "DIR|URL", requires_all = ["caller", "summarizer"])]
    pub planner: Option<PathBuf>,
    /// The caller
    #[arg(long, value_name = "DIR|URL", requires = "planner")]
    pub caller: Option<PathBuf>,
    /// The summarizer
    #[arg(long, value_name = "DIR|URL", requires = "planner")]
    pub summarizer: Option<PathBuf>,
    /// One model for whole steps, trained on the backbone's data: a model directory, an adapter's, a run's global model,
    /// or an address
    #[arg(long, value_name = "DIR|URL", conflicts_with = "planner")]
    pub single: Option<PathBuf>,
    /// A rival agent: the address of a chat server that calls tools, with the model's name there
    #[arg(long, value_name = "URL", conflicts_with_all = ["planner", "single"])]
    pub agent: Option<String>,
    #[command(flatten)]
    pub servers: ModelServerArgs,
}

/// How models' servers are asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct ModelServerArgs {
    /// The environment variable with the model servers' key
    #[arg(long, value_name = "VARIABLE")]
    pub model_key: Option<String>,
    /// The time limit of a call to a model server, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub model_timeout: Duration,
    /// The number of simultaneous calls to a model server
    #[arg(long, value_name = "N", default_value = "8", value_parser = at_least_one)]
    pub model_parallel: usize,
    /// The context of models behind servers, in tokens; default: what the server reports
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub model_context: Option<usize>,
    /// The tokenizer.json of models behind servers, or its folder: prompts are sent as tokens, exactly as in this process
    #[arg(long, value_name = "DIR|FILE")]
    pub model_tokenizer: Option<PathBuf>,
}
