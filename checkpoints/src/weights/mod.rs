//! Weights in safetensors files: read tensor by tensor, written as a stream.

mod check;
mod error;
mod file;
mod gguf;
mod header;
mod model;
mod other;
mod shards;
mod values;
mod write;

pub use check::Mismatch;
pub use error::WeightsError;
pub use file::SafetensorsFile;
pub use model::ModelFiles;
pub use shards::{DEFAULT_SHARD_BYTES, write_weights};
pub use values::TensorValues;
pub use write::write_safetensors;

/// The one file of a model that is not sharded.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The file that says which shard holds which tensor.
pub const WEIGHTS_INDEX_FILE: &str = "model.safetensors.index.json";
