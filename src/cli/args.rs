//! The arguments of every command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use glpft::place::Removal;
use glpft::study::Compared;
use glpft_agent::Limits;
use glpft_data::Dataset;
use glpft_recipes::{Override, Precision};

/// Turns tool-use trajectories into a planner, a caller and a summarizer (GLPFT, arXiv 2401.07324).
///
/// Start with `glpft run quickstart`: it needs nothing else and takes a few minutes.
#[derive(Debug, Parser)]
#[command(name = "glpft", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Does everything: prepares the data, trains every stage, leaves the models; goes on where it was interrupted
    Run(RunArgs),
    /// Makes the data sets of a run and says what is in them
    Prepare(PrepareArgs),
    /// Trains one stage, or the three local ones
    Train(TrainArgs),
    /// Writes a finished model as a directory of its own
    Export(ExportArgs),
    /// Shows and writes what a recipe makes of its data
    #[command(subcommand)]
    Data(DataCommand),
    /// Compares arrangements on growing shares of the data: trains, measures, writes tables and curves
    ///
    /// Trains what is missing of every arrangement, on every share of the data, for every seed and base; a stage that
    /// several of them need is trained once. All are measured on the same held-out conversations. Leaves report.md,
    /// report.json, curves/ and, in runs/, a run for each. Started again, it goes on where it stopped; arrangements,
    /// shares, seeds and bases may be added.
    Study(StudyArgs),
    /// Measures what a team says
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Writes a run's page, report.html: recipe, data, curves, metrics, samples
    Report(ReportArgs),
    /// Lists, shows, copies and checks recipes
    #[command(subcommand)]
    Recipe(RecipeCommand),
}

/// Which recipe, with what changed in it.
#[derive(Clone, Debug, Args)]
pub(crate) struct RecipeArgs {
    /// A built-in recipe's name (`glpft recipe list`), a TOML file, or the directory of a run
    #[arg(value_name = "R")]
    pub recipe: String,
    /// Sets a value of the recipe, such as `stage.global.lr=1e-4`; may be given several times
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<Override>,
}

/// Where a run is.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The run's directory; default: ./runs/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Starts anew: removes the run that is in the directory (data/, stages/, models/, summary.json, recipe.toml); with
    /// `train`, the stages asked for alone
    #[arg(long)]
    pub overwrite: bool,
    /// Goes on with a run though its recipe or its data have changed in what decides the outcome; what is finished
    /// stays as it is
    #[arg(long, conflicts_with = "overwrite")]
    pub resume_anyway: bool,
}

impl PlaceArgs {
    /// What of the run makes way, where `overwrite` is what --overwrite means.
    pub(crate) fn removal<'a>(&self, overwrite: Removal<'a>) -> Removal<'a> {
        match (self.overwrite, self.resume_anyway) {
            (true, _) => overwrite,
            (false, true) => Removal::NothingAnyway,
            (false, false) => Removal::Nothing,
        }
    }
}

/// What computes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceArgs {
    /// cpu, cuda, cuda:N, wgpu or wgpu:N
    #[arg(long, default_value = "cpu")]
    pub device: String,
}

/// What is told, and with how many threads it is worked out.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// No progress, errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
    /// How many threads; default: one a core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// What most commands take.
#[derive(Clone, Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    #[command(flatten)]
    pub place: PlaceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Prints the plan (stages, steps, tokens, about how much memory), trains and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Caps every stage at N steps, and its learning rate's schedule with it: a smoke run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
}

/// `glpft prepare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PrepareArgs {
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A stage, or all local ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageArg {
    /// The backbone
    Global,
    /// The planner
    Planner,
    /// The caller
    Caller,
    /// The summarizer
    Summarizer,
    /// Planner, caller and summarizer
    Local,
}

/// `glpft train`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    /// Writes the first step's averaged gradients to a safetensors file, for comparison with other programs
    #[arg(long, value_name = "FILE", hide = true)]
    pub dump_gradients: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Which stage
    #[arg(long, value_enum)]
    pub stage: StageArg,
    /// The Hugging Face model directory or GGUF file to start from; default: what the recipe says, usually the run's global model
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Caps the stage at N steps, and its learning rate's schedule with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
}

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
    /// Shares of the training queries; a smaller one is a part of a larger one
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "F,…",
        default_value = "0.125,0.25,0.5,1"
    )]
    pub fractions: Vec<f64>,
    /// How many seeds, from the recipe's on (`seed` and, for the shares, `data.split_seed`)
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
    /// The longest prompt in tokens; the last ones stay
    #[arg(long, value_name = "N", default_value_t = Limits::STATIC.prompt_tokens, value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    /// Conversations that are answered together
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    pub eval_batch: usize,
    /// The study's directory; default: ./studies/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Prints what would be trained and what is shared, trains and writes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Caps every stage at N steps, and its learning rate's schedule with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: Option<u32>,
    #[command(flatten)]
    pub output: OutputArgs,
}

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
    /// The directory to write
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Adds an adapter to its base: a whole model
    #[arg(long)]
    pub merge: bool,
    /// Stores the weights in another type; default: as they are
    #[arg(long, value_enum)]
    pub dtype: Option<DtypeArg>,
    /// Replaces what is at --to
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft data …`.
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Shows the data sets' sizes and the source's bad files, or one example
    Inspect(InspectArgs),
    /// Writes the published pipeline's six JSON files, or token ids
    ///
    /// Writes raw_data_stage_1.json (not from a stage-2 source), raw_data_stage_2.json and
    /// train_{backbone,planner,caller,summarizer}.json: every usable trajectory of the source, whatever the recipe's
    /// splits. model.base need not be set.
    ///
    /// With --tokens, writes instead what training reads: train_DATASET.jsonl and validation_DATASET.jsonl for each of
    /// backbone, planner, caller and summarizer, one line {"input_ids": […], "labels": […]} an example, in the source's
    /// order, after truncation and splits; labels are -100 where nothing is learned.
    Export(DataExportArgs),
}

/// A data set, by the role that learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatasetArg {
    /// The global stage's
    Backbone,
    /// The planner's
    Planner,
    /// The caller's
    Caller,
    /// The summarizer's
    Summarizer,
}

impl From<DatasetArg> for Dataset {
    fn from(dataset: DatasetArg) -> Self {
        match dataset {
            DatasetArg::Backbone => Self::Backbone,
            DatasetArg::Planner => Self::Planner,
            DatasetArg::Caller => Self::Caller,
            DatasetArg::Summarizer => Self::Summarizer,
        }
    }
}

/// `glpft data inspect`.
#[derive(Clone, Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// The run's directory, whose prepared data are used where they are the recipe's; default: ./runs/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Shows an example of this data set
    #[arg(long, value_enum)]
    pub role: Option<DatasetArg>,
    /// Which example, from 0: its place in the prepared data set, in the source's order
    #[arg(long, value_name = "N", requires = "role")]
    pub index: Option<usize>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft data export`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataExportArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// The directory to write into; made where it is missing
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Token ids and labels instead of text
    #[arg(long)]
    pub tokens: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft eval …`.
#[derive(Debug, Subcommand)]
pub(super) enum EvalCommand {
    /// Scores a predictions file with the paper's metrics
    ///
    /// The file is the JSON list that the published pipeline writes, or JSON lines: objects with `tools`, `reference`
    /// and `predictions`. Where each also has an `instruction`, confidence intervals are over trajectories, else over
    /// steps.
    Score(ScoreArgs),
    /// The perplexity of a team's models on what held-out conversations say, by role
    ///
    /// How likely each role's model finds the targets that training would make of the conversations: e to the mean loss
    /// of a token, with a 95 % interval over conversations. Nothing is generated, so it is much quicker than `static`.
    Perplexity(Box<PerplexityArgs>),
    /// Asks a team's models about every step of held-out conversations, and scores what they say
    ///
    /// Each step is shown the conversation's own history (teacher forcing). The team is a run's (its arrangement says who
    /// answers), three models that need have nothing in common but text, or a single one that writes whole steps.
    ///
    /// Leaves evaluation.json, predictions.jsonl (written as they are made; `glpft eval score` reads it), times.jsonl and
    /// metrics.json in RUN/eval/NAME/, or in --out. The same command goes on where it was interrupted.
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
    /// Ends with an error wherever the published script does, instead of giving what it cannot read a documented value
    #[arg(long)]
    pub compat: bool,
}

/// `glpft eval perplexity`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PerplexityArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    /// The held-out conversations: a stage-2 file (told apart by content from whatever else `data.source` may be)
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
    /// How layers' products are computed
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which models answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct TeamArgs {
    /// A run's directory
    #[arg(
        value_name = "RUN",
        required_unless_present_any = ["planner", "single"],
        conflicts_with_all = ["planner", "caller", "summarizer", "single"]
    )]
    pub run: Option<PathBuf>,
    /// The planner: a model directory, an adapter's, or a run's
    #[arg(long, value_name = "DIR", requires_all = ["caller", "summarizer"])]
    pub planner: Option<PathBuf>,
    /// The caller
    #[arg(long, value_name = "DIR", requires = "planner")]
    pub caller: Option<PathBuf>,
    /// The summarizer
    #[arg(long, value_name = "DIR", requires = "planner")]
    pub summarizer: Option<PathBuf>,
    /// One model for whole steps, trained on the backbone's data: a model directory, an adapter's, or a run's global model
    #[arg(long, value_name = "DIR", conflicts_with = "planner")]
    pub single: Option<PathBuf>,
}

/// How layers' products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// Single precision
    F32,
    /// Operands rounded to bfloat16
    Bf16,
}

impl From<PrecisionArg> for Precision {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

/// `glpft eval static`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StaticArgs {
    #[command(flatten)]
    pub team: TeamArgs,
    /// The held-out conversations: a stage-2 file (told apart by content from whatever else `data.source` may be)
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Only the first N conversations
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Only the first N steps
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub steps: Option<usize>,
    /// The published evaluation's prompts: `planner:` before the planner's turn, no `system: `, every turn shown
    #[arg(long)]
    pub compat: bool,
    /// A file of prompt templates; default: the run's, or the built-in ones
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// The longest prompt: the last N tokens are kept, fewer where the model has no positions for them and an answer
    #[arg(long, value_name = "N", default_value = "3750", value_parser = at_least_one)]
    pub max_prompt_tokens: usize,
    /// The longest answer
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one)]
    pub max_new_tokens: usize,
    /// How many conversations are answered together: more is faster where memory allows
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    pub batch: usize,
    /// Draws tokens instead of taking the likeliest; greater is more varied
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Draws only from the likeliest tokens that have this probability together
    #[arg(long, value_name = "P", requires = "temperature")]
    pub top_p: Option<f64>,
    /// Draws only from the K likeliest tokens
    #[arg(long, value_name = "K", requires = "temperature", value_parser = at_least_one)]
    pub top_k: Option<usize>,
    /// Seeds what is drawn
    #[arg(long, default_value = "0", requires = "temperature")]
    pub seed: u64,
    /// How layers' products are computed
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    /// The directory to write to; default: RUN/eval/NAME
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub out: Option<PathBuf>,
    /// The name of the evaluation in RUN/eval; default: the data file's
    #[arg(long)]
    pub name: Option<String>,
    /// Removes the evaluation that is there
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// `glpft report`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run's directory; the page is written into it. The run may be unfinished, and need not be evaluated
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
}

/// `glpft recipe …`.
#[derive(Debug, Subcommand)]
pub(super) enum RecipeCommand {
    /// Names and descriptions of the built-in recipes
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Prints a recipe with every default written out, and as comments what is to be set
    Show {
        #[command(flatten)]
        recipe: RecipeArgs,
    },
    /// Writes a built-in recipe to a new file, to be edited
    Copy {
        /// The built-in recipe
        name: String,
        /// The file; must not exist
        file: PathBuf,
    },
    /// Checks recipes: every key, every value
    Validate {
        /// Recipe files, or built-ins' names
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Sets a value of each
        #[arg(long, value_name = "KEY.PATH=VALUE")]
        set: Vec<Override>,
    },
}
