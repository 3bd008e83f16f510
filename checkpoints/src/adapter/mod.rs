//! Low-rank adapters as PEFT writes them.

mod config;
mod files;

use std::path::PathBuf;

use crate::{ConfigError, FileError, JsonError, WeightsError};

pub use config::AdapterConfig;
pub(crate) use files::base_directory;
pub use files::{Adapter, AdapterDirectory};

/// The file with an adapter's settings.
pub const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";
/// The file with an adapter's weights.
pub const ADAPTER_WEIGHTS_FILE: &str = "adapter_model.safetensors";
/// The file that says which weights an adapter belongs to. A file of its own: PEFT warns of
/// keys in `adapter_config.json` that it does not know, and old versions refuse them.
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
    /// The adapter's weights, or its base's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A target that names no linear map of the model.
    #[error(
        "the LoRA target `{target}` matches nothing in the model; there are q_proj, k_proj, \
         v_proj, o_proj, gate_proj, up_proj and down_proj"
    )]
    Target {
        /// The target.
        target: String,
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
         directory at {}; fetch the base and correct that path",
        .adapter.display(),
        .looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
    )]
    NoBase {
        /// The adapter's folder.
        adapter: PathBuf,
        /// What the adapter calls its base.
        name: String,
        /// The paths tried.
        looked: Vec<PathBuf>,
    },
}
