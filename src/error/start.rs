//! Models that a stage cannot start from.

use std::path::PathBuf;

use glpft_data::{FitError, TokenizerError};

/// Models that a stage cannot start from.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
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
    /// A tokenizer, for a reason that does not say where it is.
    #[error("{}: {source}", path.display())]
    TokenizerAt {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: TokenizerError,
    },
}
