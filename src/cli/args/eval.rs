//! `glpft eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::live::LiveArgs;
use super::{AskingArgs, DeviceArgs, OutputArgs, PrecisionArg, SignalArgs, TeamArgs, at_least_one};

/// `glpft eval …`.
#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    /// Scores a predictions file with the paper's metrics
    ///
    /// The file is the JSON list that the published pipeline writes, or JSON lines: objects with `tools`, `reference` and
    /// `predictions`. If each also has an `instruction`, confidence intervals are over trajectories, else over steps.
    Score(ScoreArgs),
    /// Lets a team work on tasks with tools, and judges the results
    ///
    /// The tasks are those of a simulated world (`--world SEED`), which also serves the tools and knows the right answers;
    /// or those of a ToolBench instruction list (`--tasks FILE`) with a server (`--server`).
    ///
    /// Writes evaluation.json, rollouts.jsonl and answers/ (as they are made), judgments.jsonl, verdicts.jsonl and
    /// live.json to RUN/eval/live-STRATEGY/, or to --out. The same command resumes; with another judge or reference it
    /// judges the same rollouts again.
    Live(Box<LiveArgs>),
    /// Measures the perplexity of a team's models on held-out conversations, by role
    ///
    /// Perplexity is e to the mean loss of a target token, with the targets that training would make of the conversations
    /// and a 95 % interval over conversations. Nothing is generated, so it is much faster than `static`.
    Perplexity(Box<PerplexityArgs>),
    /// Asks a team's models about every step of held-out conversations, and scores the answers
    ///
    /// Each step is shown the conversation's own history (teacher forcing). The team is a run's (its arrangement says who
    /// answers), three models that need have nothing in common but text, a single one that writes whole steps, or a rival
    /// agent (--agent), whose messages are read as steps.
    ///
    /// Writes evaluation.json, predictions.jsonl (as they are made; `glpft eval score` reads it), times.jsonl and
    /// metrics.json to RUN/eval/NAME/, or to --out. The same command resumes.
    Static(Box<StaticArgs>),
}

/// `glpft eval score`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScoreArgs {
    /// The predictions file
    #[arg(value_name = "PREDICTIONS.json")]
    pub predictions: PathBuf,
    /// Machine-readable output on stdout: the keys of the published metrics file, and more
    #[arg(long)]
    pub json: bool,
    /// Fails wherever the published script fails, instead of using a documented value
    #[arg(long)]
    pub compat: bool,
    /// No tables, errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// `glpft eval perplexity`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PerplexityArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    /// The held-out conversations: a stage-2 file, or anything else that `data.source` may be
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Only the first N conversations
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// A file of prompt templates; default: the run's, or the built-in ones
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// The longest example in tokens; default: the run's, or 4096; at most the model's positions
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_length: Option<usize>,
    /// The precision of the layers' matrix products
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft eval static`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StaticArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    /// The held-out conversations: a stage-2 file, or anything else that `data.source` may be
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Only the first N conversations
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Only the first N steps
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub steps: Option<usize>,
    /// The published evaluation's prompts: `planner:` before the planner's turn, no `system: `, every turn shown
    #[arg(long, conflicts_with = "agent")]
    pub compat: bool,
    /// The longest prompt in tokens: the last N are kept, or fewer if the model has no positions for them and an answer
    #[arg(long, value_name = "N", default_value = "3750", value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    /// The number of conversations that are answered together; more is faster, and needs more memory
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub batch: usize,
    #[command(flatten)]
    pub asking: AskingArgs,
    /// The directory to write to; default: RUN/eval/NAME
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub out: Option<PathBuf>,
    /// The name of the evaluation in RUN/eval; default: the data file's
    #[arg(long)]
    pub name: Option<String>,
    /// Removes an existing evaluation first
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub signals: SignalArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
