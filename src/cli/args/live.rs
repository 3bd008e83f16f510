//! `glpft eval live` and `glpft agent`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use glpft_agent::Strategy;

use super::common::{seconds, seconds_or_none};
use super::{AskingArgs, OutputArgs, SignalArgs, SizeArg, TeamArgs, at_least_one};

/// `glpft agent …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Lets a team work on tasks, and prints thoughts, calls and replies as they come
    ///
    /// The tasks are those of a simulated world (`--world SEED`), those of a ToolBench instruction list (`--tasks FILE`),
    /// or one of your own (`--query`, with the functions of `--tasks FILE`). With --out, each rollout's whole tree is
    /// written as an answer file in ToolBench's format.
    Run(Box<AgentRunArgs>),
}

/// What is worked on, and with which tools.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    /// The test tasks of the simulated world with this seed; the world also replies to calls, unless --server is given
    #[arg(
        long,
        value_name = "SEED",
        required_unless_present = "tasks",
        conflicts_with = "tasks"
    )]
    pub world: Option<u64>,
    /// The world's size
    #[arg(long, value_enum, default_value = "small", requires = "world")]
    pub size: SizeArg,
    /// The tasks of a ToolBench instruction list: `test_instruction/GROUP.json`
    #[arg(long, value_name = "FILE", requires = "server")]
    pub tasks: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Only the tasks of one test set, such as G1_tool
    #[arg(long)]
    pub group: Option<String>,
    /// Only the first N tasks of each test set
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
}

/// Where calls go.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The tool server: the address of ToolBench's server, of StableToolBench's (it ends with /virtual), or the folder of
    /// its cache. Keys are read from TOOLBENCH_KEY and RAPIDAPI_KEY
    #[arg(long, value_name = "URL|DIR")]
    pub server: Option<String>,
    /// The time limit of a call to the tool server, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "server", value_parser = seconds)]
    pub server_timeout: Duration,
    /// The shortest time between two calls, in seconds, for servers with a rate limit
    #[arg(long, value_name = "SECONDS", default_value = "0", requires = "server", value_parser = seconds_or_none)]
    pub server_interval: Duration,
}

/// How the agent goes about it.
#[derive(Clone, Debug, Args)]
pub(crate) struct SearchArgs {
    /// react, dfsdt, or ToolBench's name of one: CoT@N, DFS_woFilter_wN, DFS_wFilter_wN
    ///
    /// With the filter, all children of a node are made before the search goes on; a child whose tool replied comes before
    /// one where something went wrong.
    ///
    /// With greedy decoding (no --temperature), a search finds other steps only because the prompt lists what has failed.
    #[arg(long, default_value = "react")]
    pub strategy: Strategy,
    /// The longest path, in nodes: a thought, a function's name and its arguments are three
    #[arg(long, value_name = "N", default_value = "12", value_parser = at_least_one)]
    pub depth: usize,
    /// The largest number of steps for one task
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one)]
    pub max_steps: usize,
    /// The largest number of tokens that models read and write for one task
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_tokens: Option<usize>,
    /// The time limit of one task, in seconds: its rollout ends with the first step after it, so two runs may differ
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<Duration>,
    /// The number of tasks that are worked on together; more is faster, and needs more memory
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub together: usize,
    /// The longest prompt in tokens; default: what the model can read beside an answer. If a prompt is longer, whole oldest
    /// turns are left out, as in training, and the output says so
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_prompt_tokens: Option<usize>,
    #[command(flatten)]
    pub asking: AskingArgs,
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JudgeArg {
    /// The world's truth; its scores are not ToolEval scores, and are labelled
    Offline,
    /// A model behind an OpenAI-compatible endpoint
    Http,
}

/// Who judges.
#[derive(Clone, Debug, Args)]
pub(crate) struct WhoJudgesArgs {
    /// Who judges
    #[arg(long, value_enum, default_value = "offline")]
    pub judge: JudgeArg,
    /// The model that judges
    #[arg(long, value_name = "NAME", required_if_eq("judge", "http"))]
    pub judge_model: Option<String>,
    /// Its endpoint, without /chat/completions
    #[arg(long, value_name = "URL", default_value = "https://api.openai.com/v1")]
    pub judge_url: String,
    /// The environment variable with its key; default: OPENAI_API_KEY, if set
    #[arg(long, value_name = "VARIABLE")]
    pub judge_key: Option<String>,
    /// The number of tasks that are judged at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub judge_parallel: usize,
    /// Asks again about questions without a judgment: those that the server refused, and those whose answers were
    /// unreadable
    #[arg(long)]
    pub judge_again: bool,
}

/// Who judges, and how often it is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgeArgs {
    #[command(flatten)]
    pub who: WhoJudgesArgs,
    /// How often each question is asked; the majority counts
    #[arg(long, value_name = "N", default_value = "7", value_parser = at_least_one)]
    pub rounds: usize,
    /// Win rates against another live evaluation of the same tasks: its directory
    #[arg(long, value_name = "DIR")]
    pub reference: Option<PathBuf>,
}

/// `glpft eval live`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    #[command(flatten)]
    pub search: SearchArgs,
    #[command(flatten)]
    pub judging: JudgeArgs,
    /// The directory to write to; default: RUN/eval/NAME
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub out: Option<PathBuf>,
    /// The name of the evaluation in RUN/eval; default: live-STRATEGY
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

/// `glpft agent run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct AgentRunArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    /// A request of your own; it may use those functions of the chosen tasks that match its words best
    #[arg(long, value_name = "TEXT")]
    pub query: Option<String>,
    /// The number of functions for --query
    #[arg(long, value_name = "N", default_value = "5", requires = "query", value_parser = at_least_one)]
    pub functions: usize,
    #[command(flatten)]
    pub search: SearchArgs,
    /// A folder for the answer files; default: none are written
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub signals: SignalArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
