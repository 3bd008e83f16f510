//! Adapter directories, written and read.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, AdapterConfig, AdapterError, BASE_FINGERPRINT_FILE,
};
use crate::{
    CONFIG_FILE, FloatType, ModelCard, ModelConfig, ModelFiles, SafetensorsFile, TensorValues,
    TokenizerSource, create_directory_atomically, fingerprint, read_json, write_json,
    write_safetensors,
};

#[derive(Serialize, Deserialize)]
struct BaseFingerprint {
    fingerprint: String,
}

/// Everything of an adapter directory but the weights' values.
#[derive(Clone, Copy, Debug)]
pub struct AdapterDirectory<'a> {
    /// Becomes `adapter_config.json`.
    pub config: &'a AdapterConfig,
    /// The model that the adapter belongs to.
    pub model: &'a ModelConfig,
    /// The [`fingerprint`] of that model's weights.
    pub base_fingerprint: &'a str,
    /// The type that weights are stored in.
    pub dtype: FloatType,
    /// Where the tokenizer comes from, if it is to lie beside the adapter.
    pub tokenizer: Option<TokenizerSource<'a>>,
    /// Becomes `README.md`.
    pub card: Option<&'a ModelCard>,
}

impl AdapterDirectory<'_> {
    /// Writes the directory `path`, which appears whole or not at all and replaces one that
    /// is there. `read` gives the values of each tensor of [`AdapterConfig::tensors`], as
    /// for [`write_safetensors`].
    pub fn write<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        path: &Path,
        read: &mut dyn FnMut(&str) -> Result<V, E>,
    ) -> Result<(), AdapterError> {
        create_directory_atomically(path, |directory| self.write_into(directory, read))
    }

    /// Writes into the existing folder `directory`, such as a checkpoint under way.
    pub fn write_into<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        directory: &Path,
        read: &mut dyn FnMut(&str) -> Result<V, E>,
    ) -> Result<(), AdapterError> {
        let settings = self.config.to_json();
        // Nothing is written that would be refused when it is read.
        AdapterConfig::from_json(settings.clone())?;
        let tensors = self.config.tensors(self.model)?;
        if let Some(tokenizer) = &self.tokenizer {
            tokenizer.write_into(directory, Some(self.model.max_positions))?;
        }
        if let Some(card) = self.card {
            card.write_into(directory)?;
        }
        let base = BaseFingerprint {
            fingerprint: self.base_fingerprint.to_owned(),
        };
        write_json(&directory.join(BASE_FINGERPRINT_FILE), &base)?;
        write_json(&directory.join(ADAPTER_CONFIG_FILE), &settings)?;
        let path = directory.join(ADAPTER_WEIGHTS_FILE);
        Ok(write_safetensors(&path, &tensors, self.dtype, read)?)
    }
}

/// An adapter directory, open. Its weights are read when asked for.
#[derive(Debug)]
pub struct Adapter {
    directory: PathBuf,
    config: AdapterConfig,
    base_fingerprint: Option<String>,
    weights: SafetensorsFile,
}

impl Adapter {
    /// Opens the adapter in the folder `directory`.
    pub fn open(directory: &Path) -> Result<Self, AdapterError> {
        let config = AdapterConfig::read(directory)?;
        let beside = directory.join(BASE_FINGERPRINT_FILE);
        let base_fingerprint = match beside.exists() {
            true => Some(read_json::<BaseFingerprint>(&beside)?.fingerprint),
            false => None,
        };
        let weights = SafetensorsFile::open(&directory.join(ADAPTER_WEIGHTS_FILE))?;
        Ok(Self {
            directory: directory.to_owned(),
            config,
            base_fingerprint,
            weights,
        })
    }

    /// The adapter's folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The adapter's settings.
    pub fn config(&self) -> &AdapterConfig {
        &self.config
    }

    /// The fingerprint of the base it was trained on; PEFT's own adapters have none.
    pub fn base_fingerprint(&self) -> Option<&str> {
        self.base_fingerprint.as_deref()
    }

    /// The base's folder: `base_model_name_or_path` from the adapter's folder, or else (as
    /// PEFT has it) from the current one.
    pub fn base_directory(&self) -> Result<PathBuf, AdapterError> {
        base_directory(&self.directory, &self.config.base)
    }

    /// Checks that the adapter belongs to the model in `base`: tensors by name and shape,
    /// and, where the adapter names one, the fingerprint (reads all of the base's weights).
    pub fn check(&self, model: &ModelConfig, base: &ModelFiles) -> Result<(), AdapterError> {
        self.weights.check(&self.config.tensors(model)?)?;
        let Some(expected) = &self.base_fingerprint else {
            return Ok(());
        };
        let found = fingerprint(model, base)?;
        if found == *expected {
            return Ok(());
        }
        Err(AdapterError::OtherBase {
            adapter: self.directory.clone(),
            base: base.directory().to_owned(),
            expected: expected.clone(),
            found,
        })
    }

    /// Reads one of the tensors of [`AdapterConfig::tensors`], row-major, widened exactly.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, AdapterError> {
        Ok(self.weights.read_f32(name, expected)?)
    }
}

/// Finds the base that the adapter in `directory` calls `name`.
pub(crate) fn base_directory(directory: &Path, name: &str) -> Result<PathBuf, AdapterError> {
    let looked = vec![directory.join(name), PathBuf::from(name)];
    let found = looked
        .iter()
        .find(|path| !name.is_empty() && path.join(CONFIG_FILE).is_file());
    match found {
        Some(found) => Ok(found.clone()),
        None => Err(AdapterError::NoBase {
            adapter: directory.to_owned(),
            name: name.chars().take(200).collect(),
            looked,
        }),
    }
}
