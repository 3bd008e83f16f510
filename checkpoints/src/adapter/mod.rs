//! Low-rank adapters as PEFT writes them.

mod base;
mod config;
mod files;
mod matcher;
mod modules;
mod names;
mod unsupported;

use std::path::PathBuf;

use crate::{ConfigError, FileError, JsonError, WeightsError};

pub(crate) use base::base_directory;
pub use base::name_bases_anew;
pub use config::AdapterConfig;
pub use files::{Adapter, AdapterDirectory};
pub use modules::{AdaptedKind, AdaptedModule, ReplacedParameter};
pub use names::ModuleNames;

/// The file with an adapter's settings.
pub const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";
/// The file with an adapter's weights.
pub const ADAPTER_WEIGHTS_FILE: &str = "adapter_model.safetensors";
/// The file with an adapter's weights as old versions of PEFT wrote it: a pickle, which is not read.
const PICKLED_WEIGHTS_FILE: &str = "adapter_model.bin";
/// The file that says which weights an adapter belongs to, and where they are from here. A file of its own: PEFT warns
/// of keys in `adapter_config.json` that it does not know, and old versions refuse them.
pub const BASE_FINGERPRINT_FILE: &str = "base_fingerprint.json";

/// An adapter that cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A JSON file of the adapter.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A setting that is wrong or not implemented.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It wakes at its invocation, where it is asked to act everywhere.
    #[error(
        "the adapter in {} wakes at its invocation (`alora_invocation_tokens`): it cannot be merged, and {what} acts on every token; `glpft export` without --merge copies it for PEFT, and `glpft serve` asks it", .path.display()
    )]
    Wakes {
        /// The adapter's folder.
        path: PathBuf,
        /// Where it would act.
        what: &'static str,
    },
    /// The adapter's weights, or its base's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Targets of which the model has none.
    #[error(
        "the LoRA targets `{targets}` match nothing in the model; there are {known} and lm_head"
    )]
    Targets {
        /// The targets.
        targets: String,
        /// The model's modules, but for the head.
        known: String,
    },
    /// A regular expression that cannot be used.
    #[error("`{key}` has {text:?}, which cannot be used as a regular expression: {message}")]
    Pattern {
        /// The key of `adapter_config.json`.
        key: &'static str,
        /// The expression.
        text: String,
        /// Why.
        message: String,
    },
    /// Adapters that are tied like the embedding and the head.
    #[error(
        "`ensure_weight_tying` is true for an adapter on the embedding or the head, which the base ties; only false is \
         supported: each of the two has its own adapter"
    )]
    WeightTying,
    /// Weights as a pickle.
    #[error(
        "{} holds adapter_model.bin, a pickle, which is not read because it can run any program; in Python, \
         `PeftModel.from_pretrained(base, {:?}).save_pretrained(\"new\")` writes it as adapter_model.safetensors",
        .directory.display(),
        .directory.display().to_string()
    )]
    Pickle {
        /// The adapter's folder.
        directory: PathBuf,
    },
    /// An adapter that was trained on other weights.
    #[error(
        "{} was trained on other weights than those in {}: its base has the fingerprint \
         {expected}, these have {found}; point to the base it was trained on",
        .adapter.display(),
        .base.display()
    )]
    OtherBase {
        /// The adapter's folder.
        adapter: PathBuf,
        /// The base's folder.
        base: PathBuf,
        /// The fingerprint that the adapter names.
        expected: String,
        /// The base's fingerprint.
        found: String,
    },
    /// A base that is not where the adapter says.
    #[error(
        "the base of {} is not found: `base_model_name_or_path` is {name:?}; looked for a model \
         directory at {}; {}",
        .adapter.display(),
        .looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and "),
        give_base(.adapter)
    )]
    NoBase {
        /// The adapter's folder.
        adapter: PathBuf,
        /// What the adapter calls its base.
        name: String,
        /// The paths tried.
        looked: Vec<PathBuf>,
    },
    /// A base in a hub's cache, of which it is not clear which model or snapshot is meant.
    #[error("the base of {}: {problem}; {}", .adapter.display(), give_base(.adapter))]
    UnclearBase {
        /// The adapter's folder.
        adapter: PathBuf,
        /// The folder, what it is, and what to do.
        problem: String,
    },
    /// An adapter that does not say what its base is.
    #[error(
        "the adapter in {} names no base: `base_model_name_or_path` is {said}; {}",
        .adapter.display(),
        give_base(.adapter)
    )]
    Baseless {
        /// The adapter's folder.
        adapter: PathBuf,
        /// What it says instead: nothing, null or an empty text.
        said: &'static str,
    },
}

fn give_base(adapter: &std::path::Path) -> String {
    format!(
        "give it with --base DIR: `glpft export {} --base DIR --to NEW` writes an adapter that names its base, with \
         --merge a whole model",
        adapter.display()
    )
}
