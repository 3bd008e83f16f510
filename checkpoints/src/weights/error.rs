//! What can be wrong with weights.

use std::error::Error;
use std::path::PathBuf;

use super::Mismatch;
use crate::{ConfigError, FileError, FloatType, GgufError, JsonError};

/// Weights that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index, or a JSON file beside the weights.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The configuration beside the weights.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// There are no weights of a known kind.
    #[error(
        "no weights in {}: looked for model.safetensors and model.safetensors.index.json{hint}",
        .directory.display(),
    )]
    NoWeights {
        /// The folder.
        directory: PathBuf,
        /// What there is instead and what to do with it, or nothing.
        hint: String,
    },
    /// Weights as PyTorch keeps them.
    #[error(
        "{} is a Python pickle, which can run code: only safetensors are read; save the model again with \
         save_pretrained(…, safe_serialization=True), or fetch its safetensors",
        .path.display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A well-known file of another kind in the place of a safetensors file.
    #[error("{} is {what}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// A file that is not whole, or not a safetensors file.
    #[error("{} is damaged or not a safetensors file: {message}; fetch it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// An index that does not fit its shards.
    #[error("{}: {message}", .path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file without the tensor.
    #[error("{}: there is no tensor `{name}`", .path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor of another shape than expected.
    #[error("{}: `{name}` has shape {found:?}, expected {expected:?}", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape that the configuration implies.
        expected: Vec<usize>,
    },
    /// A tensor that is not of floats.
    #[error("{}: `{name}` is stored as {dtype}; F32, F16 and BF16 are read", .path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The type in the file.
        dtype: String,
    },
    /// Tensors that do not fit the configuration.
    #[error("{} does not fit its configuration: {mismatch}", .path.display())]
    Mismatch {
        /// The file or folder.
        path: PathBuf,
        /// What is missing, too much, or of another shape.
        mismatch: Mismatch,
    },
    /// A head of its own where the configuration says that there is none.
    #[error(
        "{}: config.json ties the head to the embedding, but `lm_head.weight` holds other \
         values; set \"tie_word_embeddings\": false to use it, or remove the tensor",
        .path.display()
    )]
    Untied {
        /// The folder.
        path: PathBuf,
    },
    /// More memory than there is.
    #[error("not enough memory for `{name}` ({elements} elements)")]
    Memory {
        /// The tensor.
        name: String,
        /// Its number of elements.
        elements: u64,
    },
    /// The values to be written could not be had.
    #[error("cannot write `{name}`: {source}")]
    Source {
        /// The tensor.
        name: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A finite value that the type cannot hold.
    #[error(
        "cannot write `{name}` as {}: its value at {place:?} is {value:e}, and {0} ends at {:e}; {} (--dtype)",
        .dtype.safetensors_name(),
        .dtype.largest(),
        if *.dtype == FloatType::F16 { "bf16 and f32 hold it" } else { "f32 holds it" }
    )]
    TooLarge {
        /// The tensor.
        name: String,
        /// The value's indices, outermost first.
        place: Vec<usize>,
        /// The value.
        value: f32,
        /// The type.
        dtype: FloatType,
    },
    /// What was to be written contradicts itself.
    #[error("cannot write `{name}`: {message}")]
    Contradiction {
        /// The tensor.
        name: String,
        /// What is wrong.
        message: String,
    },
}
