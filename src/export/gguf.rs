//! A finished model as one GGUF file, for llama.cpp and what is built on it.

mod adapter;

use std::path::Path;

use burn::tensor::Device;
use glpft_checkpoints::{
    Adapter, GgufMetadata, GgufTensor, GgufType, GgufValue, ModelFiles, ModelLocation, gguf_model,
    gguf_note, remove_abandoned, write_gguf,
};
use glpft_data::GgufTokenizer;

use super::make_folder_of;
use crate::base::{Base, TokenizerFiles};
use crate::error::Error;
use crate::model::{Values, attach_saved, load};

/// Writes the model at `location` to the file `to`, which appears whole or not at all: its matrices as `kind`, with its
/// tokenizer. An adapter is written as an adapter, without a tokenizer, unless `merge` adds it to its base. Returns notes
/// on what llama.cpp does otherwise.
///
/// # Errors
/// The model cannot be read, an adapter belongs to another base, llama.cpp has no form for the model or its tokenizer, a
/// value is not held by `kind`, or the disk refuses.
pub fn export_gguf(
    location: &ModelLocation,
    to: &Path,
    merge: bool,
    kind: GgufType,
) -> Result<Vec<String>, Error> {
    remove_abandoned(make_folder_of(to)?)?;
    match location {
        ModelLocation::Full(directory) => {
            let base = Base::open(directory)?;
            let (metadata, tensors, notes) = described(&base, &name(directory), kind)?;
            let files = ModelFiles::open(directory)?;
            files.check(&base.config)?;
            write_gguf(to, &metadata, &tensors, &mut |name| {
                let shape = files.shape(name).unwrap_or_default().to_vec();
                files.read_f32(name, &shape)
            })?;
            Ok(notes)
        }
        ModelLocation::Adapter {
            directory,
            base: base_directory,
        } => {
            let base = Base::open(base_directory)?.with_tokenizer_in(directory)?;
            let adapter = Adapter::open(directory)?;
            adapter.check(&base.config, &ModelFiles::open(base_directory)?)?;
            if !merge {
                adapter::write(&adapter, &base.config, &name(directory), kind, to)?;
                return Ok(Vec::new());
            }
            adapter.check_acts_everywhere("a whole model")?;
            // What cannot be written is found before the model is loaded.
            let (_, _, notes) = described(&base, "", kind)?;
            let mut model = load(&base, &Device::flex(), 0)?;
            attach_saved(&mut model, &adapter)?;
            let values = Values::merged(&mut model, &base)?;
            // An adapter may have untied the head.
            let base = Base {
                config: model.config().clone(),
                ..base
            };
            let (metadata, tensors, _) = described(&base, &name(directory), kind)?;
            write_gguf(to, &metadata, &tensors, &mut |name| values.read(name))?;
            Ok(notes)
        }
    }
}

/// The file's metadata and tensors, and notes.
fn described(
    base: &Base,
    name: &str,
    kind: GgufType,
) -> Result<(GgufMetadata, Vec<GgufTensor>, Vec<String>), Error> {
    let config = &base.config;
    let (mut metadata, tensors) = gguf_model(config, name, kind)?;
    let tokenizer = match &base.tokenizer_files {
        TokenizerFiles::Directory(directory) => {
            GgufTokenizer::of_directory(directory, &base.tokenizer)?
        }
        TokenizerFiles::Made {
            json,
            special,
            chat_template,
        } => GgufTokenizer {
            json: json.to_vec(),
            special: special.clone(),
            chat_template: chat_template.clone(),
        },
    };
    let mut notes = tokenizer.write(&base.tokenizer, config.vocab_size, &mut metadata)?;
    notes.extend(gguf_note(config));
    // What the tokenizer's files leave open, the model's may tell.
    for (name, id) in [("bos", config.bos), ("padding", config.pad)] {
        let key = format!("tokenizer.ggml.{name}_token_id");
        if let Some(id) = id
            && (id as usize) < config.vocab_size
            && metadata.get(&key).is_none()
        {
            metadata.set(key, GgufValue::U32(id));
        }
    }
    Ok((metadata, tensors, notes))
}

/// What a model is called: its directory's or its file's name.
fn name(path: &Path) -> String {
    let name = match path.is_dir() {
        true => path.file_name(),
        false => path.file_stem(),
    };
    name.map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
