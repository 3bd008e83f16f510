//! The families of models, a file each: how the keys of a `config.json` make a [`Plan`], and how its tensors are named.
//!
//! A new family is a file here, a line in [`FAMILIES`] and a variant of [`Architecture`]; `docs/reference/models.md` says which tests it
//! needs.

mod gemma3;
mod granite;
mod granite_hybrid;
mod llama;
mod mistral;
mod phi3;
mod qwen2;
mod qwen3;
mod smollm3;

use serde_json::{Map, Value};

use super::keys::{Defaults, Keys};
use super::{Architecture, ConfigError, ModelConfig, Plan, Rope, rope};

/// A family of models.
pub(crate) struct Family {
    pub architecture: Architecture,
    /// The value of `model_type`.
    pub model_type: &'static str,
    /// The one value in `architectures`.
    pub class: &'static str,
    /// What transformers takes where a key is absent.
    pub defaults: Defaults,
    /// Keys that the family reads, of those that change what is computed; others must leave them out.
    pub reads: &'static [&'static str],
    /// The rotary embedding.
    pub rope: fn(&Keys) -> Result<Rope, ConfigError>,
    /// What is computed.
    pub plan: fn(&Keys) -> Result<Plan, ConfigError>,
    /// Sets what the family's `config.json` has beside what all have, the rotary settings among it.
    pub write: fn(&ModelConfig, &mut Map<String, Value>),
    /// What llama.cpp makes of it, where that is read and written.
    pub gguf: Option<GgufForm>,
}

/// How a family lies in GGUF files.
pub(crate) struct GgufForm {
    /// The value of `general.architecture`.
    pub name: &'static str,
    /// Whether the rows of queries and keys that turn together are side by side.
    pub pairs_together: bool,
    /// Whether every projection may have a bias; else those of queries, keys and values alone.
    pub biases: bool,
    /// Parts of a layer that are not called as Llama's: GGUF's name, Hugging Face's.
    pub names: &'static [(&'static str, &'static str)],
    /// Keys of the metadata that are read, beside those that are read of every family.
    pub keys: &'static [&'static str],
    /// Whether the weights of norms are one more than Hugging Face's.
    pub norms_plus_one: bool,
    /// Whether llama.cpp computes the window that the metadata name.
    pub windows: bool,
}

impl GgufForm {
    /// Llama's, by another name.
    pub const fn like_llama(name: &'static str) -> Self {
        Self {
            name,
            pairs_together: true,
            biases: true,
            names: &[],
            keys: &[],
            norms_plus_one: false,
            windows: false,
        }
    }

    /// The family whose models are called so in a file.
    pub fn family(name: &str) -> Option<Architecture> {
        let is_called =
            |family: &&&Family| family.gguf.as_ref().is_some_and(|form| form.name == name);
        let found = FAMILIES.iter().find(is_called);
        found.map(|family| family.architecture)
    }

    /// What the families are called.
    pub fn all() -> String {
        let mut names: Vec<&str> = FAMILIES
            .iter()
            .filter_map(|family| Some(family.gguf.as_ref()?.name))
            .collect();
        names.dedup();
        names.join(", ")
    }
}

/// Every family.
const FAMILIES: [&Family; 9] = [
    &llama::FAMILY,
    &mistral::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &smollm3::FAMILY,
    &granite::FAMILY,
    &granite_hybrid::FAMILY,
    &phi3::FAMILY,
    &gemma3::FAMILY,
];

impl Architecture {
    pub(crate) fn family(self) -> &'static Family {
        let found = FAMILIES
            .into_iter()
            .find(|family| family.architecture == self);
        found.unwrap_or(&llama::FAMILY)
    }
}

/// The rotary embedding as most families spell it.
fn plain_rope(keys: &Keys) -> Result<Rope, ConfigError> {
    rope::read(keys, &rope::Rules::PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_its_family() {
        for architecture in Architecture::ALL {
            assert_eq!(architecture.family().architecture, architecture);
        }
        assert_eq!(FAMILIES.len(), Architecture::ALL.len());
    }
}
