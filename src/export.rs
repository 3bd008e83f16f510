//! A finished model as a directory of its own.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use burn::tensor::Device;
use glpft_checkpoints::{
    Adapter, AdapterDirectory, FileError, FloatType, MODEL_CARD_FILE, ModelCard, ModelFiles,
    ModelLocation, remove_abandoned,
};

use crate::base::{Base, BaseWeights};
use crate::error::Error;
use crate::model::{attach_saved, load};
use crate::stage::write_model;

/// The largest card that is copied, in bytes.
const LARGEST_CARD: u64 = 1 << 20;

/// Writes the model at `location` to `to`, which appears whole or not at all.
///
/// A whole model is written anew; an adapter stays an adapter (its base named by an absolute path) unless `merge` adds
/// it to its base. `dtype` is what weights are stored in.
///
/// # Errors
/// The model cannot be read, an adapter belongs to another base, or the disk refuses.
pub fn export(
    location: &ModelLocation,
    to: &Path,
    merge: bool,
    dtype: Option<FloatType>,
) -> Result<(), Error> {
    let folder = to.parent().unwrap_or(to);
    std::fs::create_dir_all(folder)
        .map_err(|source| FileError::new("create the folder", folder, source))?;
    remove_abandoned(folder)?;
    let card = |title: &Path, base: &Path, adapter| ModelCard {
        title: title
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        base: base.display().to_string(),
        adapter,
        ..ModelCard::default()
    };
    let copied = |directory: &Path, adapter| ModelCard {
        copied: card_of(directory),
        ..card(directory, directory, adapter)
    };
    match location {
        ModelLocation::Full(directory) => {
            let base = Base::open(directory)?;
            let dtype = dtype.map_or_else(|| stored(&base), Ok)?;
            let model = load(&base, &Device::flex(), 0)?;
            write_model(model, &base, &copied(directory, false), dtype, to)
        }
        ModelLocation::Adapter {
            directory,
            base: base_directory,
        } => {
            let base = Base::open(base_directory)?;
            let adapter = Adapter::open(directory)?;
            adapter.check(&base.config, &ModelFiles::open(base_directory)?)?;
            if merge {
                let dtype = dtype.map_or_else(|| stored(&base), Ok)?;
                let mut model = load(&base, &Device::flex(), 0)?;
                attach_saved(&mut model, &adapter)?;
                let card = card(directory, base_directory, false);
                return write_model(model, &base, &card, dtype, to);
            }
            let mut config = adapter.config().clone();
            let absolute = base_directory
                .canonicalize()
                .map_err(|source| FileError::new("find", base_directory, source))?;
            config.base = absolute.display().to_string();
            let shapes = config.tensors(&base.config)?;
            let fingerprint = match adapter.base_fingerprint() {
                Some(fingerprint) => fingerprint.to_owned(),
                None => glpft_checkpoints::fingerprint(
                    &base.config,
                    &ModelFiles::open(base_directory)?,
                )?,
            };
            let card = ModelCard {
                base: base_directory.display().to_string(),
                ..copied(directory, true)
            };
            AdapterDirectory {
                config: &config,
                model: &base.config,
                base_fingerprint: &fingerprint,
                dtype: dtype.unwrap_or(FloatType::F32),
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

/// The type that most of the base's weights are stored in: that of its embedding.
fn stored(base: &Base) -> Result<FloatType, Error> {
    let BaseWeights::Directory(directory) = &base.weights else {
        return Ok(FloatType::F32);
    };
    let files = ModelFiles::open(directory)?;
    Ok(files
        .float_type("model.embed_tokens.weight")
        .unwrap_or(FloatType::F32))
}
