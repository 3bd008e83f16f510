//! What can go wrong in a command, and the exit code that it ends with.

mod folder;
mod interruption;
mod overlap;
mod start;

use std::path::PathBuf;

use glpft_agent::{GenerateError, InstructionsError, ModelServerError, NoToolReached, ServerError};
use glpft_checkpoints::{
    AdapterError, ConfigError, FileError, GgufError, GgufWriteError, JsonError, LocationError,
    WeightsError, advice,
};
use glpft_data::{
    EncodeError, ExportError, PreparedError, PromptsError, SourceError, TokenizerError,
};
use glpft_eval::judge::JudgeError;
use glpft_eval::live_evaluation::LiveError;
use glpft_eval::plot::PlotError;
use glpft_eval::static_evaluation::StaticError;
use glpft_eval::{DirectoryError, PredictionsError};
use glpft_model::ModelError;
use glpft_recipes::{RecipeError, counted};
use glpft_serve::ServeError;
use glpft_train::TrainError;
use glpft_world::WriteError;

pub use folder::FolderError;
pub use interruption::Interruption;
pub use overlap::OverlapError;
pub use start::StartError;

/// An error and all that caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

/// Why a command failed: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Recipes of which some are bad; each was told by itself.
    #[error("{bad} of {all} recipes cannot be used")]
    Recipes {
        /// How many are bad.
        bad: usize,
        /// How many there are.
        all: usize,
    },
    /// A directory holds something else, or is another process's.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The source's files are written to while they are read.
    #[error("{path} changed while it was read; give the same command again once it is complete")]
    SourceChanged {
        /// `data.source`.
        path: String,
    },
    /// Files without a name, for data sets that are looked at and not kept.
    #[error(
        "cannot write temporary files in {}: {source}; free some space there, or have TMPDIR name another folder",
        folder.display()
    )]
    Temporary {
        /// Where temporary files are.
        folder: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The disk has no room for what is to be trained.
    #[error(
        "{source}. It is looked at before anything is trained: the checkpoints take {checkpoints} (fewer with a smaller \
         stage.keep_checkpoints), the models {models}"
    )]
    NoRoom {
        /// The folder, with what is needed and what is free.
        source: Box<FileError>,
        /// What checkpoints take.
        checkpoints: String,
        /// What models take.
        models: String,
    },
    /// A model that nothing can start from.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A key of the recipe that does not go with the model.
    #[error("{key}: {problem}")]
    Setting {
        /// The key from the top.
        key: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// An argument that does not go with the rest.
    #[error("{argument}: {problem}")]
    Argument {
        /// The argument as it is typed.
        argument: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Nothing to train a stage on.
    #[error(
        "the {stage} stage has no {dataset} example to train on: {why}; give more data, or a longer \
         stage.{stage}.max_length"
    )]
    NoExamples {
        /// The dataset.
        dataset: &'static str,
        /// The stage that reads it.
        stage: &'static str,
        /// What became of the examples.
        why: String,
    },
    /// No example has this index.
    #[error("--index {index}: the {dataset} dataset has {}, counted from 0", counted(.examples, "example", "examples"))]
    NoSuchExample {
        /// The index asked for.
        index: usize,
        /// The dataset.
        dataset: &'static str,
        /// How many it has.
        examples: usize,
    },
    /// The threads could not be started.
    #[error("cannot start {}: {reason}; give a smaller --threads", counted(.threads, "thread", "threads"))]
    Threads {
        /// How many.
        threads: usize,
        /// The system's reason.
        reason: String,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {source}{}", advice(.source))]
    Signals {
        /// The system's answer.
        source: std::io::Error,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Interruption(#[from] Interruption),
    /// A role that trains in a process of its own.
    #[error(
        "the {role} failed: {reason}; {}the same command resumes (messages of the {role}: {})",
        if others.is_empty() { String::new() } else { format!("{others} stopped with checkpoints; ") },
        log.display()
    )]
    Role {
        /// Its name.
        role: &'static str,
        /// What its process told.
        reason: String,
        /// The roles that were stopped.
        others: String,
        /// The log of its process.
        log: PathBuf,
    },
    /// A model's loss on held-out targets is no number.
    #[error(
        "the {role}'s loss on the held-out targets is not finite: its weights are not, or what they compute is beyond the \
         precision's range"
    )]
    LossNotFinite {
        /// The role that the model plays.
        role: &'static str,
    },
    /// What is measured on is learned from.
    #[error(transparent)]
    Overlap(#[from] OverlapError),
    /// The model or the device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An adapter.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A JSON file.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A model's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A model's weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A GGUF file to be written.
    #[error(transparent)]
    GgufWrite(#[from] GgufWriteError),
    /// A path that stands for no model.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The data source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The prompt templates.
    #[error(transparent)]
    Prompts(#[from] PromptsError),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Examples that do not become tokens.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A prepared data set.
    #[error(transparent)]
    Prepared(#[from] PreparedError),
    /// The published pipeline's files.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A static evaluation.
    #[error(transparent)]
    Static(#[from] StaticError),
    /// A live evaluation.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// A server.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The files of a world.
    #[error(transparent)]
    World(#[from] WriteError),
    /// A plot.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A judge.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// A list of instructions.
    #[error(transparent)]
    Instructions(#[from] InstructionsError),
    /// A tools' server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A model's server.
    #[error(transparent)]
    ModelServer(#[from] ModelServerError),
    /// All of the first calls reached no tool.
    #[error(transparent)]
    NoTool(#[from] NoToolReached),
    /// A model that works on tasks.
    #[error("the model did not go on: {}", chain(.0))]
    Generate(#[from] GenerateError),
    /// A predictions file.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
}

impl Error {
    /// The error as a command tells it that never goes on from what is different (`--resume-anyway`), but knows this
    /// remedy.
    pub(crate) fn with_remedy(mut self, instead: &'static str) -> Self {
        match &mut self {
            Self::Folder(
                FolderError::OtherRecipe { remedy, .. } | FolderError::OtherData { remedy, .. },
            )
            | Self::Train(TrainError::OtherRun { remedy, .. }) => *remedy = instead,
            _ => {}
        }
        self
    }

    /// The process's exit code: 2 where the command line, the recipe or the run directory has to change, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Recipe(_)
            | Self::Recipes { .. }
            | Self::Folder(
                FolderError::OtherRecipe { .. }
                | FolderError::OtherData { .. }
                | FolderError::Finished { .. }
                | FolderError::NotARun { .. }
                | FolderError::OtherStudy { .. }
                | FolderError::NotAStudy { .. }
                | FolderError::OtherRounds { .. },
            )
            | Self::Start(
                StartError::NoModel { .. }
                | StartError::NoGlobalModel { .. }
                | StartError::Vocabulary { .. },
            )
            | Self::Overlap(_)
            | Self::Setting { .. }
            | Self::NoSuchExample { .. }
            | Self::Argument { .. }
            | Self::Location(
                LocationError::WhichRole { .. }
                | LocationError::SingleFile { .. }
                | LocationError::Hub(_),
            )
            | Self::Train(TrainError::OtherRun { .. } | TrainError::TooShort { .. })
            | Self::Static(StaticError::Directory(
                DirectoryError::Other { .. } | DirectoryError::NotAnEvaluation { .. },
            ))
            | Self::Live(LiveError::Directory(
                DirectoryError::Other { .. } | DirectoryError::NotAnEvaluation { .. },
            ))
            | Self::ModelServer(ModelServerError::Address { .. })
            | Self::Judge(JudgeError::NoKey { .. } | JudgeError::Url { .. })
            | Self::Serve(ServeError::Listen { .. } | ServeError::Host { .. })
            | Self::Model(ModelError::UnknownDevice(_) | ModelError::NotBuilt { .. }) => 2,
            _ => 1,
        }
    }
}
