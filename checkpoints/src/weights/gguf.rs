//! A GGUF file as a model's weights under their Hugging Face names.

use std::collections::HashMap;
use std::path::Path;

use super::WeightsError;
use crate::gguf::header::Tensor;
use crate::gguf::names::{self, LONG_FACTORS, ROPE_FACTORS, SHORT_FACTORS};
use crate::{GgufError, GgufFile, ModelConfig};

/// The weights of a GGUF file.
#[derive(Debug)]
pub(crate) struct GgufModel {
    file: GgufFile,
    config: ModelConfig,
    /// By Hugging Face name: the name in the file. What has no such name keeps its own.
    names: HashMap<String, String>,
}

impl GgufModel {
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let file = GgufFile::open(path)?;
        let config = file.model_config()?;
        let mut found = HashMap::new();
        let factors = [ROPE_FACTORS, LONG_FACTORS, SHORT_FACTORS];
        for name in file.names().filter(|name| !factors.contains(name)) {
            let form = config.architecture.family().gguf.as_ref();
            let theirs = form.and_then(|form| names::hugging_face(form, name));
            let theirs = theirs.unwrap_or_else(|| name.to_owned());
            if let Some(other) = found.insert(theirs, name.to_owned()) {
                return Err(GgufError::Damaged {
                    path: path.to_owned(),
                    message: format!("`{name}` and `{other}` are the same tensor"),
                });
            }
        }
        Ok(Self {
            file,
            config,
            names: found,
        })
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.file.shape(self.names.get(name)?)
    }

    /// How a tensor is stored, such as `GGUF Q4_1`.
    pub fn stored(&self, name: &str) -> Result<String, WeightsError> {
        let kind = self.tensor(name)?.kind;
        Ok(format!("GGUF {}", kind.name()))
    }

    /// Hands on the bytes of a tensor as they are stored.
    pub fn chunks(&self, name: &str, take: impl FnMut(&[u8])) -> Result<(), WeightsError> {
        Ok(self.file.chunks(self.tensor(name)?, 1, take)?)
    }

    /// Reads a whole tensor, row-major, dequantized, rows in Hugging Face's order.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensor(name)?;
        if tensor.shape != expected {
            return Err(WeightsError::Shape {
                path: self.path().to_owned(),
                name: name.to_owned(),
                found: tensor.shape.clone(),
                expected: expected.to_vec(),
            });
        }
        let mut values = match self.interleaved_heads(name) {
            // llama.cpp puts the pairs that rotate together, (i, i + d/2) of a head, side by side.
            Some(heads) if tensor.shape[0].is_multiple_of(2 * heads) => {
                let width = tensor.shape[0] / heads;
                self.file.read_rows(tensor, |row| {
                    let (head, place) = (row / width, row % width);
                    head * width + place % 2 * (width / 2) + place / 2
                })
            }
            _ => self.file.read_rows(tensor, |row| row),
        }?;
        if self.has_one_more(name) {
            for value in &mut values {
                *value -= 1.0;
            }
        }
        Ok(values)
    }

    /// Whether a tensor's values are one more than Hugging Face's.
    fn has_one_more(&self, name: &str) -> bool {
        let form = self.config.architecture.family().gguf.as_ref();
        form.is_some_and(|form| form.norms_plus_one) && name.ends_with("norm.weight")
    }

    /// How many heads the rows of a tensor are of, where llama.cpp has reordered them: it does so for this
    /// architecture's queries and keys (`LlamaModel.permute` of its converter).
    fn interleaved_heads(&self, name: &str) -> Option<usize> {
        let form = self.config.architecture.family().gguf.as_ref()?;
        if !form.pairs_together {
            return None;
        }
        let (path, _) = name.rsplit_once('.')?;
        if path.ends_with(".self_attn.q_proj") {
            return Some(self.config.heads);
        }
        path.ends_with(".self_attn.k_proj")
            .then_some(self.config.kv_heads)
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, WeightsError> {
        let found = self.names.get(name).and_then(|name| self.file.tensor(name));
        found.ok_or_else(|| WeightsError::Missing {
            path: self.path().to_owned(),
            name: name.to_owned(),
        })
    }
}
