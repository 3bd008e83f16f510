//! The keys that have no default.

use crate::Recipe;

/// A value that has no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Required {
    /// The key from the top.
    pub key: &'static str,
    /// What it is, for people.
    pub what: &'static str,
}

/// Everything that has no default.
pub(crate) const REQUIRED: [Required; 2] = [
    Required {
        key: "data.source",
        what: "a file of trajectories (JSON lines of OpenAI `messages`, ShareGPT and other forms), a directory of such files, or \
               a raw ToolBench directory (holding `answer/`)",
    },
    Required {
        key: "model.base",
        what: "a Hugging Face model directory, a model's name on the hub that its cache holds, or a .gguf file",
    },
];

impl Recipe {
    /// The required values that are still to be set; empty after [`Recipe::load`].
    pub fn missing(&self) -> Vec<Required> {
        REQUIRED
            .into_iter()
            .filter(|required| match required.key {
                "data.source" => self.data.source.is_empty() && self.data.sources.is_empty(),
                _ => self.model.base.is_empty(),
            })
            .collect()
    }
}
