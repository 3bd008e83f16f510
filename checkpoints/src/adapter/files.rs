//! Adapter directories, written and read.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::base::{BaseFingerprint, base_directory};
use super::modules::ReplacedParameter;
use super::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, AdapterConfig, AdapterError, BASE_FINGERPRINT_FILE,
    PICKLED_WEIGHTS_FILE,
};
use crate::{
    FloatType, ModelCard, ModelConfig, ModelFiles, SafetensorsFile, TensorShape, TensorValues,
    TokenizerSource, create_directory_atomically, fingerprint, write_json, write_safetensors,
};

/// Everything of an adapter directory but the weights' values.
#[derive(Clone, Copy, Debug)]
pub struct AdapterDirectory<'a> {
    /// Becomes `adapter_config.json`.
    pub config: &'a AdapterConfig,
    /// The model that the adapter belongs to.
    pub model: &'a ModelConfig,
    /// The [`fingerprint`] of that model's weights.
    pub base_fingerprint: &'a str,
    /// Where that model is from the adapter's folder, where the two move together.
    pub base_beside: Option<&'a str>,
    /// Tensors that are written beside those of [`AdapterConfig::tensors`].
    pub beside: &'a [TensorShape],
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
        let mut tensors = self.config.tensors(self.model)?;
        tensors.extend_from_slice(self.beside);
        if let Some(tokenizer) = &self.tokenizer {
            tokenizer.write_into(directory, Some(self.model.max_positions))?;
        }
        if let Some(card) = self.card {
            card.write_into(directory)?;
        }
        let base = BaseFingerprint {
            fingerprint: self.base_fingerprint.to_owned(),
            path: self.base_beside.map(str::to_owned),
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
        let base_fingerprint = BaseFingerprint::read(directory)?.map(|base| base.fingerprint);
        let weights = directory.join(ADAPTER_WEIGHTS_FILE);
        if !weights.exists() && directory.join(PICKLED_WEIGHTS_FILE).exists() {
            return Err(AdapterError::Pickle {
                directory: directory.to_owned(),
            });
        }
        let weights = SafetensorsFile::open(&weights)?;
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

    /// Refuses an adapter that wakes, for what acts on every token.
    ///
    /// # Errors
    /// [`AdapterError::Wakes`].
    pub fn check_acts_everywhere(&self, what: &'static str) -> Result<(), AdapterError> {
        match self.config().invocation.is_empty() {
            true => Ok(()),
            false => Err(AdapterError::Wakes {
                path: self.directory.clone(),
                what,
            }),
        }
    }

    /// The adapter's settings.
    pub fn config(&self) -> &AdapterConfig {
        &self.config
    }

    /// The type that its weights are stored in: the widest, where they differ.
    pub fn dtype(&self) -> FloatType {
        let names = self.weights.names();
        let mut types: Vec<_> = names
            .iter()
            .filter_map(|name| self.weights.float_type(name))
            .collect();
        types.dedup();
        match types.as_slice() {
            [one] => *one,
            _ => FloatType::F32,
        }
    }

    /// The fingerprint of the base it was trained on; PEFT's own adapters have none.
    pub fn base_fingerprint(&self) -> Option<&str> {
        self.base_fingerprint.as_deref()
    }

    /// The base's folder: where [`BASE_FINGERPRINT_FILE`] says that it is, else `base_model_name_or_path` from the
    /// adapter's folder, else (as PEFT has it) from the current one, else what a hub's cache holds by that name.
    pub fn base_directory(&self) -> Result<PathBuf, AdapterError> {
        base_directory(&self.directory, &self.config)
    }

    /// Checks that the adapter belongs to the model in `base`: tensors by name and shape,
    /// and, where the adapter names one, the fingerprint (reads all of the base's weights).
    pub fn check(&self, model: &ModelConfig, base: &ModelFiles) -> Result<(), AdapterError> {
        let mut tensors = self.config.tensors(model)?;
        tensors.extend(self.beside(model));
        self.weights.check(&tensors)?;
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

    /// The base's embedding and head, as far as they lie beside the adapter (PEFT puts them there where they are
    /// targets). They take the place of the base's.
    pub fn beside(&self, model: &ModelConfig) -> Vec<TensorShape> {
        let beside = self.config.beside(model).into_iter();
        let tensors = beside.map(|beside| beside.tensor);
        tensors
            .filter(|tensor| self.weights.shape(&tensor.name).is_some())
            .collect()
    }

    /// The parameters of the base that the adapter's file holds anew: those beside the adapter, then those of modules
    /// that are stored whole.
    pub fn replaced(&self, model: &ModelConfig) -> Vec<ReplacedParameter> {
        let mut replaced = self.config.beside(model);
        replaced.retain(|beside| self.weights.shape(&beside.tensor.name).is_some());
        replaced.extend(self.config.saved(model));
        replaced
    }

    /// Reads one of the tensors of [`AdapterConfig::tensors`] or [`beside`](Self::beside), row-major, widened exactly.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, AdapterError> {
        Ok(self.weights.read_f32(name, expected)?)
    }
}
