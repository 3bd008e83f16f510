//! Model directories as Hugging Face writes them.

mod card;
mod tokenizer;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::{
    CONFIG_FILE, FileError, FloatType, ModelConfig, TensorValues, WeightsError,
    create_directory_atomically, without_mark, write_atomically, write_json, write_weights,
};

pub use card::{MODEL_CARD_FILE, ModelCard};
pub use tokenizer::{SpecialTokens, TOKENIZER_FILE, TOKENIZER_FILES, TokenizerSource};

/// The file that says how text is generated.
pub const GENERATION_CONFIG_FILE: &str = "generation_config.json";

/// Everything of a model directory but the weights' values.
#[derive(Clone, Copy, Debug)]
pub struct ModelDirectory<'a> {
    /// Becomes `config.json`.
    pub config: &'a ModelConfig,
    /// The type that weights are stored in.
    pub dtype: FloatType,
    /// The size above which weights are sharded, usually
    /// [`DEFAULT_SHARD_BYTES`](crate::DEFAULT_SHARD_BYTES).
    pub shard_bytes: u64,
    /// Where the tokenizer comes from; `generation_config.json` too, where it has one.
    pub tokenizer: TokenizerSource<'a>,
    /// Becomes `README.md`.
    pub card: &'a ModelCard,
}

impl ModelDirectory<'_> {
    /// Writes the directory `path`, which appears whole or not at all and replaces one that
    /// is there. `read` gives the values of each tensor of [`ModelConfig::tensors`], as for
    /// [`write_safetensors`](crate::write_safetensors).
    pub fn write<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        path: &Path,
        read: &mut dyn FnMut(&str) -> Result<V, E>,
    ) -> Result<(), WeightsError> {
        create_directory_atomically(path, |directory| self.write_into(directory, read))
    }

    /// Writes into the existing folder `directory`, such as a checkpoint under way.
    pub fn write_into<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        directory: &Path,
        read: &mut dyn FnMut(&str) -> Result<V, E>,
    ) -> Result<(), WeightsError> {
        // Small files first: a missing tokenizer is noticed before gigabytes are written.
        self.tokenizer
            .write_into(directory, Some(self.config.max_positions))?;
        write_json(
            &directory.join(CONFIG_FILE),
            &self.config.to_json(self.dtype),
        )?;
        self.write_generation_config(directory)?;
        self.card.write_into(directory)?;
        let tensors = self.config.tensors();
        write_weights(directory, &tensors, self.dtype, self.shard_bytes, read)
    }

    fn write_generation_config(&self, directory: &Path) -> Result<(), WeightsError> {
        let path = directory.join(GENERATION_CONFIG_FILE);
        if let TokenizerSource::Directory(source) = self.tokenizer {
            let source = source.join(GENERATION_CONFIG_FILE);
            if source.is_file() {
                return Ok(copy(&source, &path)?);
            }
        }
        Ok(write_json(&path, &self.config.generation_json())?)
    }
}

/// Copies the content, not the permissions: a read-only original is no reason for the copy
/// to be. JSON loses a byte order mark, with which no other program opens it.
fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("read", from, source);
    // Opening a pipe would wait for its writer.
    if !fs::metadata(from).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    let mut content = File::open(from).map_err(failed)?;
    let mut beginning = Vec::new();
    let mark = (&mut content).take(3).read_to_end(&mut beginning);
    mark.map_err(failed)?;
    let beginning = match from
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        true => without_mark(&beginning),
        false => &beginning,
    };
    write_atomically(to, |writer| {
        writer.write_all(beginning)?;
        io::copy(&mut content, writer).map(drop)
    })
}
