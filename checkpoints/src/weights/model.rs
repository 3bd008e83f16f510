//! The weights of a model: a directory's, in one file or in shards, or a GGUF file's.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::gguf::GgufModel;
use super::{SafetensorsFile, WEIGHTS_FILE, WEIGHTS_INDEX_FILE, WeightsError};
use super::{check, other};
use crate::{FloatType, ModelConfig, is_present, parts, read_json};

/// The weights of a model. Headers are read on opening, tensors when asked for.
#[derive(Debug)]
pub struct ModelFiles {
    directory: PathBuf,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Safetensors(Shards),
    Gguf(Box<GgufModel>),
}

#[derive(Debug)]
struct Shards {
    files: Vec<SafetensorsFile>,
    /// Which file holds each tensor.
    places: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl ModelFiles {
    /// Opens a directory's `model.safetensors`, or the shards that its `model.safetensors.index.json` names, or a
    /// GGUF file.
    pub fn open(directory: &Path) -> Result<Self, WeightsError> {
        if directory.is_file() {
            return Ok(Self {
                directory: directory.to_owned(),
                form: Form::Gguf(Box::new(GgufModel::open(directory)?)),
            });
        }
        let single = directory.join(WEIGHTS_FILE);
        let index = directory.join(WEIGHTS_INDEX_FILE);
        if is_present(&single) {
            return Self::from_files(directory, vec![SafetensorsFile::open(&single)?]);
        }
        if is_present(&index) {
            return Self::from_index(directory, &index);
        }
        Err(WeightsError::NoWeights {
            directory: directory.to_owned(),
            hint: other::hint(directory)?,
        })
    }

    fn from_index(directory: &Path, path: &Path) -> Result<Self, WeightsError> {
        let error = |message: String| WeightsError::Index {
            path: path.to_owned(),
            message,
        };
        let index: Index = read_json(path)?;
        let mut shards: Vec<_> = index.weight_map.values().collect();
        shards.sort();
        shards.dedup();
        if shards.is_empty() {
            return Err(error("names no shard".into()));
        }
        if let Some(shard) = shards.iter().find(|shard| !is_file_name(shard)) {
            let shard: String = shard.chars().take(80).collect();
            let advice = "a shard must lie beside its index";
            return Err(error(format!("names the shard {shard:?}; {advice}")));
        }
        if let Some(part) = parts::missing(&shards) {
            return Err(error(format!("names no tensor of {part}; fetch it again")));
        }
        let absent = |shard: &&&String| !is_present(&directory.join(shard));
        if let Some(shard) = shards.iter().find(absent) {
            let of_it = index.weight_map.iter().filter(|(_, place)| place == shard);
            let mut names: Vec<&str> = of_it.map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            let (count, first) = (names.len(), names.first().unwrap_or(&""));
            return Err(error(format!(
                "the part {shard} is not there, which holds {count} of the tensors (`{first}`{}); fetch it",
                if count > 1 { ", …" } else { "" }
            )));
        }
        let files = shards
            .iter()
            .map(|shard| SafetensorsFile::open(&directory.join(shard)));
        let files = Self::from_files(directory, files.collect::<Result<_, _>>()?)?;
        for (name, shard) in &index.weight_map {
            let place = files.safetensors(name).ok();
            if place.is_none_or(|file| file.path() != directory.join(shard)) {
                return Err(error(format!(
                    "says that `{name}` is in {shard}; it is not"
                )));
            }
        }
        Ok(files)
    }

    fn from_files(directory: &Path, files: Vec<SafetensorsFile>) -> Result<Self, WeightsError> {
        let mut places = HashMap::new();
        for (place, file) in files.iter().enumerate() {
            for name in file.names() {
                if let Some(other) = places.insert(name.clone(), place) {
                    let other = files[other].path().display();
                    return Err(WeightsError::Damaged {
                        path: file.path().to_owned(),
                        message: format!("`{name}` is also in {other}"),
                    });
                }
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            form: Form::Safetensors(Shards { files, places }),
        })
    }

    /// The model directory, or the GGUF file.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = match &self.form {
            Form::Safetensors(shards) => shards.places.keys().map(String::as_str).collect(),
            Form::Gguf(model) => model.names().collect(),
        };
        names.sort_unstable();
        names
    }

    /// The shape of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        match &self.form {
            Form::Safetensors(_) => self.safetensors(name).ok()?.shape(name),
            Form::Gguf(model) => model.shape(name),
        }
    }

    /// The type that a tensor is stored in, single precision for what a GGUF file holds; `None` if it is absent or
    /// not of floats.
    pub fn float_type(&self, name: &str) -> Option<FloatType> {
        match &self.form {
            Form::Safetensors(_) => self.safetensors(name).ok()?.float_type(name),
            Form::Gguf(model) => model.shape(name).map(|_| FloatType::F32),
        }
    }

    /// Reads a whole tensor, row-major, widened or dequantized exactly.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        match &self.form {
            Form::Safetensors(_) => self.safetensors(name)?.read_f32(name, expected),
            Form::Gguf(model) => model.read_f32(name, expected),
        }
    }

    /// What the type that a tensor is stored in is called.
    pub(crate) fn stored(&self, name: &str) -> Result<String, WeightsError> {
        match &self.form {
            Form::Safetensors(_) => Ok(self.safetensors(name)?.info(name)?.dtype.to_string()),
            Form::Gguf(model) => model.stored(name),
        }
    }

    /// Hands the bytes of a tensor to `take` as they are stored, a part at a time.
    pub(crate) fn chunks(&self, name: &str, take: impl FnMut(&[u8])) -> Result<(), WeightsError> {
        match &self.form {
            Form::Safetensors(_) => self.safetensors(name)?.chunks(name, take),
            Form::Gguf(model) => model.chunks(name, take),
        }
    }

    /// Checks that the tensors are exactly those of `config`, by name and shape.
    ///
    /// Two extras are accepted and not used: the rotary frequencies that old versions of
    /// transformers saved, and a head beside a tied embedding that holds the same values
    /// (other values are [`WeightsError::Untied`]: versions of transformers disagree on
    /// which of the two counts).
    pub fn check(&self, config: &ModelConfig) -> Result<(), WeightsError> {
        let expected = config.tensors();
        let head = "lm_head.weight";
        let spare =
            |name: &&str| name.ends_with(".rotary_emb.inv_freq") || (config.tied && *name == head);
        let names = self.names().into_iter().filter(|name| !spare(name));
        let found = names.map(|name| (name, self.shape(name)));
        if let Some(mismatch) = check::compare(found, &expected) {
            return Err(WeightsError::Mismatch {
                path: self.directory.clone(),
                mismatch,
            });
        }
        if let Some(tensor) = expected
            .iter()
            .find(|tensor| self.float_type(&tensor.name).is_none())
        {
            return Err(WeightsError::Type {
                path: self.safetensors(&tensor.name)?.path().to_owned(),
                name: tensor.name.clone(),
                dtype: self.stored(&tensor.name)?,
            });
        }
        if config.tied && self.shape(head).is_some() {
            let shape = [config.vocab_size, config.hidden_size];
            let embedding = self.read_f32("model.embed_tokens.weight", &shape)?;
            if self.read_f32(head, &shape)? != embedding {
                return Err(WeightsError::Untied {
                    path: self.directory.clone(),
                });
            }
        }
        Ok(())
    }

    /// The safetensors file that holds a tensor.
    fn safetensors(&self, name: &str) -> Result<&SafetensorsFile, WeightsError> {
        let found = match &self.form {
            Form::Safetensors(shards) => shards.places.get(name).map(|&place| &shards.files[place]),
            Form::Gguf(_) => None,
        };
        found.ok_or_else(|| WeightsError::Missing {
            path: self.directory.clone(),
            name: name.to_owned(),
        })
    }
}

/// Whether the text names a file in the folder itself: no separator, no `..`.
fn is_file_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    let single = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    single && !text.contains(['/', '\\', ':', '\0'])
}
