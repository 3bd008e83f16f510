//! `glpft data`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use glpft_data::{ConvertForm, Dataset};

use super::{OutputArgs, RecipeArgs};

/// `glpft data …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Shows the datasets' sizes and the source's bad records, or one example
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
    /// Checks trajectories: their form, what each role would learn from, what is missing or bad
    ///
    /// Needs no recipe and no model, and writes nothing. A PATH may be whatever data.source may be: a file (JSON, JSON
    /// lines, gzip or zstd of either) or a directory of such files, in any of the forms that
    /// docs/guides/your-own-trajectories.md lists.
    Check(DataCheckArgs),
    /// Writes trajectories in a form that other tools read
    Convert(DataConvertArgs),
    /// Lists the instructions and tools that occur in both of two sets of trajectories
    Overlap(DataOverlapArgs),
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
    /// The run's directory; its prepared data are used if they match the recipe; default: ./runs/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Shows an example of this dataset
    #[arg(long, value_enum)]
    pub role: Option<DatasetArg>,
    /// Which example, from 0, in the source's order
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
    /// The directory to write to; created if missing
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Token ids and labels instead of text
    #[arg(long)]
    pub tokens: bool,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft data check`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataCheckArgs {
    /// Files or directories of trajectories
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A form of trajectories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormArg {
    /// OpenAI chat: `messages` and `tools`
    Openai,
    /// ShareGPT: `conversations` of `from` and `value`, and `tools`
    Sharegpt,
    /// The published pipeline's conversations
    Stage2,
}

impl From<FormArg> for ConvertForm {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Openai => Self::OpenAi,
            FormArg::Sharegpt => Self::ShareGpt,
            FormArg::Stage2 => Self::Stage2,
        }
    }
}

/// `glpft data convert`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataConvertArgs {
    /// A file or directory of trajectories, or a run's rollouts
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The file to write: JSON lines if its name ends with .jsonl, else one JSON array
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// The form to write
    #[arg(long, value_enum)]
    pub form: FormArg,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `glpft data overlap`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataOverlapArgs {
    /// Trajectories that are trained on
    #[arg(value_name = "TRAIN")]
    pub train: PathBuf,
    /// Trajectories that are evaluated on
    #[arg(value_name = "EVAL")]
    pub eval: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}
