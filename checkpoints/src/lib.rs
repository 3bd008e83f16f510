//! Named tensors and state, in files: Hugging Face model directories, PEFT adapters,
//! checkpoints and run directories.
//!
//! Tensors are `f32` in memory and have the names that Hugging Face gives them. Everything
//! is written so that it appears whole or not at all, and everything that is read may come
//! from a stranger: each reader answers with one clear error in bounded time and memory.

mod atomic;
mod config;
mod error;
mod float;
mod json;
mod weights;

pub use atomic::{create_directory_atomically, remove_leftovers, write_atomically};
pub use config::{
    Architecture, CONFIG_FILE, ConfigError, ModelConfig, Projection, Rope, RopeScaling, TensorShape,
};
pub use error::FileError;
pub use float::FloatType;
pub use json::{JsonError, read_json, write_json};
pub use weights::{
    DEFAULT_SHARD_BYTES, Mismatch, ModelFiles, SafetensorsFile, WEIGHTS_FILE, WEIGHTS_INDEX_FILE,
    WeightsError, write_safetensors, write_weights,
};
