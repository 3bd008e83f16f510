//! What can go wrong in a command, and the exit code that it ends with.

use std::path::PathBuf;

use glpft_agent::{GenerateError, InstructionsError, ModelServerError, NoToolReached, ServerError};
use glpft_checkpoints::{
    AdapterError, ConfigError, FileError, GgufError, GgufWriteError, Holder, JsonError,
    LocationError, WeightsError, advice,
};
use glpft_data::{
    EncodeError, ExportError, FitError, PreparedError, PromptsError, SourceError, TokenizerError,
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
    /// The run directory holds another recipe's run.
    #[error(
        "{} holds a run of another recipe ({differences}); {remedy}", path.display()
    )]
    OtherRecipe {
        /// The run directory.
        path: PathBuf,
        /// The keys that differ, with both values.
        differences: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The run directory holds models of other data.
    #[error(
        "{} was trained on other data: {changed} has changed since; {remedy}", path.display()
    )]
    OtherData {
        /// The run directory.
        path: PathBuf,
        /// The source, templates or tokenizer whose content has changed.
        changed: String,
        /// What to do.
        remedy: &'static str,
    },
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
    /// The prepared tokens are not of the tokenizer of the model that would learn them.
    #[error(
        "stage {stage} starts from {model}, but the {dataset} dataset was prepared with another tokenizer than that \
         model's; give the same command again, which prepares it with this one"
    )]
    OtherTokenizer {
        /// The stage.
        stage: &'static str,
        /// What it starts from.
        model: String,
        /// The dataset.
        dataset: &'static str,
    },
    /// A key of the recipe that does not go with the model.
    #[error("{key}: {problem}")]
    Setting {
        /// The key from the top.
        key: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The stage is done, and nobody asked to do it again.
    #[error(
        "stage {stage} is finished: {}; --overwrite removes that model and trains the stage again", path.display()
    )]
    Finished {
        /// The stage.
        stage: &'static str,
        /// The model that it left.
        path: PathBuf,
    },
    /// Another process writes there.
    #[error(
        "cannot write to {}: {holder} is at work in it{}; wait for it, or choose another --out",
        path.display(),
        if holder.work.is_empty() { String::new() } else { format!(" and {}", holder.work) }
    )]
    AtWork {
        /// The directory.
        path: PathBuf,
        /// Who is at work.
        holder: Holder,
    },
    /// The directory belongs to something else.
    #[error(
        "{} holds {what}, but no recipe.toml: it is not a run's directory; choose another --out", path.display()
    )]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What in it has a name that a run would use.
        what: String,
    },
    /// An argument that does not go with the rest.
    #[error("{argument}: {problem}")]
    Argument {
        /// The argument as it is typed.
        argument: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The model is not there.
    #[error(
        "{key} = {value:?}: there is no such directory; give the directory of a Hugging Face model, its name on the hub, a .gguf file{hint}"
    )]
    NoModel {
        /// The recipe's key, or the argument.
        key: String,
        /// What it is set to.
        value: String,
        /// More to say, or nothing.
        hint: String,
    },
    /// A stage cannot start from an adapter.
    #[error(
        "{} is an adapter, and a stage starts from a whole model; `glpft export --merge` makes one of it",
        path.display()
    )]
    AdapterAsBase {
        /// The adapter's directory.
        path: PathBuf,
    },
    /// The tokenizer makes tokens of texts that the model has no rows for.
    #[error("the tokenizer {tokenizer} does not go with the model {model}: {source}; {hint}")]
    Vocabulary {
        /// The tokenizer.
        tokenizer: String,
        /// The model.
        model: String,
        /// What has no row.
        source: Box<FitError>,
        /// What to do.
        hint: &'static str,
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
    /// A local stage has nothing to start from.
    #[error(
        "stage {stage} starts from the run's global model, and {} is not there: train the global stage first, or give \
         --from DIR", path.display()
    )]
    NoGlobalModel {
        /// The stage.
        stage: &'static str,
        /// Where the global model would be.
        path: PathBuf,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals: {source}{}", advice(.source))]
    Signals {
        /// The system's answer.
        source: std::io::Error,
    },
    /// The user asked to stop.
    #[error(
        "interrupted in stage {stage}; {} holds everything to go on: give the same command again", checkpoint.display()
    )]
    Interrupted {
        /// The stage.
        stage: &'static str,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
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
    /// The user asked to stop while the roles trained.
    #[error("interrupted in {roles}; their checkpoints hold everything: the same command resumes")]
    RolesInterrupted {
        /// The roles that are not finished.
        roles: String,
    },
    /// The user asked to stop while another process was waited for.
    #[error("interrupted while it waited for {what}; give the same command again to go on")]
    WaitInterrupted {
        /// What was waited for.
        what: String,
    },
    /// The user asked to stop between two cells of a study.
    #[error("interrupted after {done} of {of} cells; give the same command again to go on")]
    StudyInterrupted {
        /// How many cells are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// The user asked to stop between two rounds of tasks.
    #[error("interrupted after {done} of {of} tasks; what was under way is lost")]
    WorkInterrupted {
        /// How many tasks are done.
        done: usize,
        /// How many there are.
        of: usize,
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
    /// The directory holds another study.
    #[error(
        "{} holds another study ({differences}); choose another --out", path.display()
    )]
    OtherStudy {
        /// The study's directory.
        path: PathBuf,
        /// What differs.
        differences: String,
    },
    /// The directory belongs to something else than a study.
    #[error(
        "{} holds {what}, but no study.json: it is not a study's directory; choose another --out", path.display()
    )]
    NotAStudy {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        what: String,
    },
    /// The run's rounds are by other settings.
    #[error(
        "{} holds rounds by other settings ({differences}); give the same again, or --overwrite to remove them", path.display()
    )]
    OtherRounds {
        /// The rounds' folder.
        path: PathBuf,
        /// What differs, with both values.
        differences: String,
    },
    /// Tasks to learn from are tasks to be measured on.
    #[error(
        "{count} of {of} {what}: {}; what is learned and what is measured must be apart: leave them out", first.join(", ")
    )]
    TasksOverlap {
        /// How many tasks.
        count: usize,
        /// Of how many.
        of: usize,
        /// Which tasks, and what they are besides.
        what: &'static str,
        /// The first of them.
        first: Vec<String>,
    },
    /// A study would be measured on what it trains on.
    #[error(
        "{}: {count} of the {of} held-out conversations have an instruction that {source_path} is trained on: {}; \
         leave them out of the one or the other", file.display(), first.join(", ")
    )]
    HeldOutIsTrainedOn {
        /// The held-out conversations.
        file: PathBuf,
        /// The training data.
        source_path: String,
        /// How many instructions are in both.
        count: usize,
        /// How many are held out.
        of: usize,
        /// The first of them.
        first: Vec<String>,
    },
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
    /// A tokenizer, for a reason that does not say where it is.
    #[error("{}: {source}", path.display())]
    TokenizerAt {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: TokenizerError,
    },
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
            Self::OtherRecipe { remedy, .. }
            | Self::OtherData { remedy, .. }
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
            | Self::OtherRecipe { .. }
            | Self::OtherData { .. }
            | Self::Setting { .. }
            | Self::Finished { .. }
            | Self::NotARun { .. }
            | Self::OtherStudy { .. }
            | Self::NotAStudy { .. }
            | Self::OtherRounds { .. }
            | Self::TasksOverlap { .. }
            | Self::HeldOutIsTrainedOn { .. }
            | Self::NoSuchExample { .. }
            | Self::Argument { .. }
            | Self::NoModel { .. }
            | Self::NoGlobalModel { .. }
            | Self::Vocabulary { .. }
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
