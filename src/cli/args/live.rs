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
    /// Has a team work on tasks, and prints what it thinks, calls and reads as it goes
    ///
    /// The tasks are a simulated world's (`--world SEED`), those of a ToolBench instruction list (`--tasks FILE`), or one
    /// of your own (`--query`, with the functions of `--tasks FILE`). With --out, each rollout leaves its whole tree as an
    /// answer file of ToolBench's format.
    Run(Box<AgentRunArgs>),
}

/// What is worked on, and with which tools.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    /// The test tasks of the simulated world with this seed; it also replies to calls, unless --server does
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
    /// Who replies to calls: the address of ToolBench's server, one of StableToolBench (it ends with /virtual), or the
    /// folder of its cache. Keys are read from TOOLBENCH_KEY and RAPIDAPI_KEY
    #[arg(long, value_name = "URL|DIR")]
    pub server: Option<String>,
    /// How many seconds a call of the server may take
    #[arg(long, value_name = "SECONDS", default_value = "30", requires = "server", value_parser = seconds)]
    pub server_timeout: Duration,
    /// The least time between two calls, in seconds, where the server allows only so many a minute
    #[arg(long, value_name = "SECONDS", default_value = "0", requires = "server", value_parser = seconds_or_none)]
    pub server_interval: Duration,
    /// Only the tasks of one test set, such as G1_tool
    #[arg(long)]
    pub group: Option<String>,
    /// Only the first N tasks of each test set
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
}

/// How the agent goes about it.
#[derive(Clone, Debug, Args)]
pub(crate) struct SearchArgs {
    /// react, dfsdt, or ToolBench's name of one: CoT@N, DFS_woFilter_wN, DFS_wFilter_wN
    ///
    /// With the filter all children of a node are made before one goes on: one whose tool replied before one where something
    /// went wrong.
    ///
    /// A search whose models always say the same (no --temperature) finds nothing else but by being told what has failed.
    #[arg(long, default_value = "react")]
    pub strategy: Strategy,
    /// The longest path, in nodes: a thought, a function's name and its arguments are three
    #[arg(long, value_name = "N", default_value = "12", value_parser = at_least_one)]
    pub depth: usize,
    /// The most steps of one task
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one)]
    pub max_steps: usize,
    /// The most tokens that models read and write for one task
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_tokens: Option<usize>,
    /// The most seconds for one task: its rollout ends with the first step after them, so that two runs may differ
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<Duration>,
    /// How many tasks are worked on together: more is faster where memory allows
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_one)]
    pub together: usize,
    /// The longest prompt in tokens; default: what the model can read beside an answer. From a longer one whole oldest turns
    /// are left out, as in training, and that is told
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_prompt_tokens: Option<usize>,
    #[command(flatten)]
    pub asking: AskingArgs,
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JudgeArg {
    /// The world's truth; its scores are no ToolEval scores, and are labelled
    Offline,
    /// A model behind an OpenAI-compatible endpoint
    Http,
}

/// Who judges, and how often it is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Who judges
    #[arg(long, value_enum, default_value = "offline")]
    pub judge: JudgeArg,
    /// The model that judges
    #[arg(long, value_name = "NAME", required_if_eq("judge", "http"))]
    pub judge_model: Option<String>,
    /// Its endpoint, without /chat/completions
    #[arg(long, value_name = "URL", default_value = "https://api.openai.com/v1")]
    pub judge_url: String,
    /// The environment variable that holds its key; default: OPENAI_API_KEY where that is set
    #[arg(long, value_name = "VARIABLE")]
    pub judge_key: Option<String>,
    /// How often each question is asked; majorities count
    #[arg(long, value_name = "N", default_value = "7", value_parser = at_least_one)]
    pub rounds: usize,
    /// How many tasks are judged at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub judge_parallel: usize,
    /// Asks again about what the judge gave no judgment of: questions that its server refused, answers that could not be
    /// read
    #[arg(long)]
    pub judge_again: bool,
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
    /// Removes the evaluation that is there
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
    /// A request of your own; the functions to choose from are, of those of all tasks that were chosen, the ones that its
    /// words speak of
    #[arg(long, value_name = "TEXT")]
    pub query: Option<String>,
    /// How many functions --query may choose from
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
