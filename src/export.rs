//! A finished model as a directory or a file of its own, a finished team as what an engine serves.

mod gguf;
mod serving;

pub use gguf::export_gguf;
pub use serving::{Engine, SERVING_FILE};

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use burn::tensor::Device;
use glpft_checkpoints::{
    Adapter, AdapterConfig, AdapterDirectory, FileError, FloatType, HubCache, MODEL_CARD_FILE,
    ModelCard, ModelConfig, ModelFiles, ModelLocation, remove_abandoned,
};

use crate::base::{Base, BaseWeights};
use crate::error::{Error, StartError};
use crate::model::{attach_saved, load};
use crate::stage::write_model;

/// The largest card that is copied, in bytes.
const LARGEST_CARD: u64 = 1 << 20;

/// How a model is exported.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Whether an adapter is added to its base: a whole model.
    pub merge: bool,
    /// What weights are stored in; as they are stored now where it is not said.
    pub dtype: Option<FloatType>,
    /// What an adapter calls its base, such as a name on the hub; the base's absolute path where it is not said.
    pub base_name: Option<String>,
}

impl Export {
    /// Writes the model at `location` to `to`, which appears whole or not at all.
    ///
    /// A whole model is written anew; an adapter stays an adapter unless it is merged.
    ///
    /// # Errors
    /// The model cannot be read, an adapter belongs to another base, or the disk refuses.
    pub fn write(&self, location: &ModelLocation, to: &Path) -> Result<(), Error> {
        remove_abandoned(make_folder_of(to)?)?;
        match location {
            ModelLocation::Full(directory) => {
                let base = Base::open(directory)?;
                let dtype = self.dtype.map_or_else(|| base.dtype(), Ok)?;
                let model = load(&base, &Device::flex(), 0)?;
                let card = ModelCard {
                    copied: card_of(directory),
                    ..card(directory, directory)
                };
                write_model(model, &base, &card, dtype, to)
            }
            ModelLocation::Adapter { directory, base } => self.write_adapter(directory, base, to),
        }
    }

    fn write_adapter(&self, directory: &Path, base: &Path, to: &Path) -> Result<(), Error> {
        let base = Base::open(base)?.with_tokenizer_in(directory)?;
        let (BaseWeights::Directory(path) | BaseWeights::Gguf(path)) = &base.weights else {
            return Err(Error::Start(StartError::AdapterAsBase {
                path: directory.to_owned(),
            }));
        };
        let adapter = Adapter::open(directory)?;
        let files = ModelFiles::open(path)?;
        adapter.check(&base.config, &files)?;
        let card = card(directory, path);
        if self.merge {
            adapter.check_acts_everywhere("a whole model")?;
            let dtype = self.dtype.map_or_else(|| base.dtype(), Ok)?;
            let mut model = load(&base, &Device::flex(), 0)?;
            attach_saved(&mut model, &adapter)?;
            return write_model(model, &base, &card, dtype, to);
        }
        if matches!(base.weights, BaseWeights::Gguf(_)) && self.base_name.is_none() {
            return Err(Error::Argument {
                argument: "--base",
                problem: format!(
                    "{} is a GGUF file, which no other program takes for an adapter's base; give --merge too, or \
                     the directory that `glpft export {0} --to DIR` makes of it",
                    path.display()
                ),
            });
        }
        let own = adapter.config();
        let is_of_hub = own.hub_name().is_some_and(|name| {
            let found = name.find_in(&HubCache::of_environment());
            found.is_ok_and(|found| found == *path)
        });
        let name = match (&self.base_name, is_of_hub) {
            (Some(name), _) => name.clone(),
            (None, true) => own.base.clone(),
            (None, false) => path
                .canonicalize()
                .map_err(|source| FileError::new("find", path, source))?
                .display()
                .to_string(),
        };
        let config = AdapterConfig {
            revision: own.revision.clone().filter(|_| name == own.base),
            base: name,
            ..own.clone()
        };
        let beside = adapter.beside(&base.config);
        let mut shapes = config.tensors(&base.config)?;
        shapes.extend_from_slice(&beside);
        let fingerprint = base_fingerprint(&adapter, &base.config, &files)?;
        let card = ModelCard {
            adapter: true,
            copied: card_of(directory),
            ..card
        };
        AdapterDirectory {
            config: &config,
            model: &base.config,
            base_fingerprint: &fingerprint,
            base_beside: None,
            beside: &beside,
            dtype: self.dtype.unwrap_or_else(|| adapter.dtype()),
            tokenizer: Some(base.tokenizer_files.source()),
            card: Some(&card),
        }
        .write(to, &mut |name| {
            let shape = shapes.iter().find(|shape| shape.name == name);
            adapter.read_f32(name, shape.map_or(&[], |shape| shape.shape.as_slice()))
        })?;
        Ok(())
    }
}

/// What the weights of the adapter's base are known by.
fn base_fingerprint(
    adapter: &Adapter,
    base: &ModelConfig,
    files: &ModelFiles,
) -> Result<String, Error> {
    Ok(match adapter.base_fingerprint() {
        Some(fingerprint) => fingerprint.to_owned(),
        None => glpft_checkpoints::fingerprint(base, files)?,
    })
}

fn card(title: &Path, base: &Path) -> ModelCard {
    let title = title.file_name();
    ModelCard {
        title: title
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        base: base.display().to_string(),
        ..ModelCard::default()
    }
}

/// Makes the folder that `to` is to lie in.
fn make_folder_of(to: &Path) -> Result<&Path, Error> {
    let folder = to.parent().unwrap_or(to);
    std::fs::create_dir_all(folder)
        .map_err(|source| FileError::new("create the folder", folder, source))?;
    Ok(folder)
}

/// The card that a model's directory has, if it has one.
fn card_of(directory: &Path) -> Option<String> {
    let path = directory.join(MODEL_CARD_FILE);
    // A pipe would be waited for.
    path.metadata().ok().filter(Metadata::is_file)?;
    let mut text = String::new();
    let read = File::open(path)
        .ok()?
        .take(LARGEST_CARD + 1)
        .read_to_string(&mut text)
        .ok()?;
    (read as u64 <= LARGEST_CARD).then_some(text)
}
