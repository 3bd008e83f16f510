//! `glpft study`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glpft::study::{Budget, Compared, Shard};
use glpft_agent::{Limits, Strategy};

use super::{DeviceArgs, OutputArgs, RecipeArgs, SignalArgs, SizeArg, at_least_one};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparedArg {
    /// The backbone alone
    Single,
    /// The roles straight from the base model
    OneStage,
    /// One model on all three roles' data
    MultiTask,
    /// GLPFT, its two stages on disjoint halves of the queries
    GlpftNoReuse,
    /// GLPFT
    Glpft,
}

impl From<ComparedArg> for Compared {
    fn from(compared: ComparedArg) -> Self {
        match compared {
            ComparedArg::Single => Self::Single,
            ComparedArg::OneStage => Self::OneStage,
            ComparedArg::MultiTask => Self::MultiTask,
            ComparedArg::GlpftNoReuse => Self::GlpftNoReuse,
            ComparedArg::Glpft => Self::Glpft,
        }
    }
}

/// How long arrangements train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BudgetArg {
    /// As many epochs as the recipe says, whatever the arrangement, as in the paper
    Stages,
    /// As many tokens as GLPFT computes with the recipe's epochs
    Tokens,
}

impl From<BudgetArg> for Budget {
    fn from(budget: BudgetArg) -> Self {
        match budget {
            BudgetArg::Stages => Self::Stages,
            BudgetArg::Tokens => Self::Tokens,
        }
    }
}

/// `glpft study`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StudyArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// What is compared
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "A,…",
        default_value = "single,one-stage,multi-task,glpft-no-reuse,glpft"
    )]
    pub arrangements: Vec<ComparedArg>,
    /// How long arrangements train; with both, each of them both ways
    #[arg(
        long = "budget",
        value_enum,
        value_delimiter = ',',
        value_name = "B,…",
        default_value = "stages"
    )]
    pub budgets: Vec<BudgetArg>,
    /// Also GLPFT with so many percent of its tokens in the global stage; 0 is one-stage, 100 single, of as many tokens
    #[arg(
        long = "split",
        value_delimiter = ',',
        value_name = "P,…",
        value_parser = clap::value_parser!(u8).range(..=100)
    )]
    pub splits: Vec<u8>,
    /// Shares of the training queries; each is contained in the larger ones
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "F,…",
        default_value = "0.125,0.25,0.5,1"
    )]
    pub fractions: Vec<f64>,
    /// The number of seeds, counted from the recipe's (`seed` and, for the shares, `data.split_seed`)
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seeds: u32,
    /// Models to start from, instead of the recipe's
    #[arg(long, value_delimiter = ',', value_name = "DIR,…")]
    pub bases: Vec<String>,
    /// The held-out conversations: a stage-2 file
    #[arg(long, value_name = "FILE")]
    pub eval: PathBuf,
    /// Measures on the first N of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub eval_conversations: Option<usize>,
    /// Measures on the first N of their steps
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub eval_steps: Option<usize>,
    /// The longest answer in tokens
    #[arg(long, value_name = "N", default_value_t = Limits::STATIC.new_tokens, value_parser = at_least_one)]
    pub max_new_tokens: usize,
    /// The longest prompt in tokens; the last ones are kept
    #[arg(long, value_name = "N", default_value_t = Limits::STATIC.prompt_tokens, value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    /// The number of conversations that are answered together
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    pub eval_batch: usize,
    /// Every cell's team also plays the test tasks of the simulated world with this seed, judged by what the world knows
    #[arg(long, value_name = "SEED")]
    pub world: Option<u64>,
    /// The world's size
    #[arg(long, value_enum, default_value = "small", requires = "world")]
    pub size: SizeArg,
    /// How tasks are searched: react, dfsdt, or ToolBench's name of a strategy; may be given several times
    #[arg(
        long = "strategy",
        value_delimiter = ',',
        value_name = "S,…",
        default_value = "react",
        requires = "world"
    )]
    pub strategies: Vec<Strategy>,
    /// Plays only the first N tasks of each of the six test sets
    #[arg(long, value_name = "N", requires = "world", value_parser = at_least_one)]
    pub tasks: Option<usize>,
    /// The study's directory; default: ./studies/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Trains and measures only every Nth cell, from the Ith on: other processes do the others, in the same directory
    ///
    /// A stage that several shards need is trained by one of them. At its end each shard writes the tables of what is done by
    /// then. Without --shard the same command trains what is missing and writes them again.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Prints what would be trained and what is shared, trains and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Caps every stage at N steps, and its learning rate's schedule with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
    #[command(flatten)]
    pub signals: SignalArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}
