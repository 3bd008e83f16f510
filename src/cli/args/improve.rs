//! `glpft improve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glpft::improve::RoundStart;
use glpft_agent::Strategy;
use glpft_recipes::Stage;

use super::common::at_least_two;
use super::{
    DeviceArgs, OutputArgs, PrecisionArg, ServerArgs, SignalArgs, SizeArg, WhoJudgesArgs,
    at_least_one,
};

/// A local stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocalRoleArg {
    /// Thinks, and decides what comes next
    Planner,
    /// Writes calls
    Caller,
    /// Writes answers
    Summarizer,
}

impl From<LocalRoleArg> for Stage {
    fn from(role: LocalRoleArg) -> Self {
        match role {
            LocalRoleArg::Planner => Self::Planner,
            LocalRoleArg::Caller => Self::Caller,
            LocalRoleArg::Summarizer => Self::Summarizer,
        }
    }
}

/// What the stages of a round start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FromArg {
    /// The models that played the round's tasks: those of the best round so far
    Last,
    /// What the run's recipe says, usually its global model
    Global,
}

impl From<FromArg> for RoundStart {
    fn from(from: FromArg) -> Self {
        match from {
            FromArg::Last => Self::Last,
            FromArg::Global => Self::Global,
        }
    }
}

/// `glpft improve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImproveArgs {
    /// The directory of a finished run of the arrangement `glpft` or `one-stage`
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Learns from the training tasks of the simulated world with this seed, and is measured on its test tasks. The world
    /// also replies to calls, unless --server is given
    #[arg(
        long,
        value_name = "SEED",
        required_unless_present = "tasks",
        conflicts_with_all = ["tasks", "held_out"]
    )]
    pub world: Option<u64>,
    /// The world's size
    #[arg(long, value_enum, default_value = "small", requires = "world")]
    pub size: SizeArg,
    /// Learns from the tasks of a ToolBench instruction list, none of which may be a test task
    #[arg(long, value_name = "FILE", requires_all = ["server", "held_out"])]
    pub tasks: Option<PathBuf>,
    /// The held-out tasks for --tasks: another ToolBench instruction list
    #[arg(long, value_name = "FILE", requires = "tasks")]
    pub held_out: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Only the first N training tasks
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Only the first N held-out tasks of each test set
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub held_out_limit: Option<usize>,
    /// The number of rounds; a round that has nothing to learn is the last
    #[arg(long, value_name = "N", default_value = "3", value_parser = at_least_one)]
    pub rounds: usize,
    /// The number of rollouts of each training task in a round
    #[arg(long, value_name = "K", default_value = "4", value_parser = at_least_one)]
    pub samples: usize,
    /// How varied these are (above 0); held-out tasks are worked on by the likeliest tokens
    #[arg(long, value_name = "T", default_value = "0.7")]
    pub temperature: f64,
    /// Samples only from the likeliest tokens that have this probability together
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Samples only from the K likeliest tokens
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    pub top_k: Option<usize>,
    /// The seed of all rounds' rollouts; training has the recipe's
    #[arg(long, default_value = "0")]
    pub seed: u64,
    /// The roles that are trained again; the others stay as they are
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "ROLE,…",
        default_value = "planner,caller,summarizer"
    )]
    pub roles: Vec<LocalRoleArg>,
    /// What they start from. `last` is for stages that train whole models: an adapter begins anew
    #[arg(long, value_enum, value_name = "WHAT", default_value = "global")]
    pub from: FromArg,
    /// The weight of the kept rollouts beside the run's data, above 0: 2 reads each twice an epoch, 0.5 half of them
    #[arg(long, value_name = "W", default_value = "1")]
    pub weight: f64,
    /// react, dfsdt, or ToolBench's name of one; of training tasks and held-out ones
    #[arg(long, default_value = "react")]
    pub strategy: Strategy,
    /// The longest path, in nodes: a thought, a function's name and its arguments are three
    #[arg(long, value_name = "N", default_value = "12", value_parser = at_least_one)]
    pub depth: usize,
    /// The largest number of steps for one rollout
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one)]
    pub max_steps: usize,
    /// The largest number of tokens that models read and write for one rollout
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_tokens: Option<usize>,
    /// The number of rollouts that are made together; more is faster, and needs more memory
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub together: usize,
    /// The longest prompt in tokens; default: what the model can read beside an answer
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_prompt_tokens: Option<usize>,
    /// The longest answer of a model
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one)]
    pub max_new_tokens: usize,
    /// Ends an answer whose text ends with the same piece N times (2 or more); default: it may go on
    #[arg(long, value_name = "N", value_parser = at_least_two)]
    pub stop_repeats: Option<usize>,
    #[command(flatten)]
    pub who_judges: WhoJudgesArgs,
    /// How often the judge is asked each question; the majority counts
    #[arg(long, value_name = "N", default_value = "7", value_parser = at_least_one)]
    pub judge_rounds: usize,
    /// The largest KV cache of each loaded model
    #[arg(long, value_name = "MIB", default_value = "2048")]
    pub cache: usize,
    /// The precision of the layers' matrix products where models answer; training has the recipe's
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Removes RUN/rounds first
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub signals: SignalArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
