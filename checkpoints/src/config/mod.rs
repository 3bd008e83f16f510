//! The shape and arithmetic of a model: Hugging Face's `config.json`.

mod families;
pub(crate) mod fields;
mod keys;
mod plan;
mod quantized;
mod read;
mod rope;
mod tensors;
mod unsupported;
mod window;
mod write;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{FileError, json};

pub(crate) use families::GgufForm;
pub use plan::{
    Activation, AttentionPlan, AttentionProjections, FeedForwardPlan, FeedForwardProjections,
    LayerPlan, NormForm, Norms, Plan, Rotary,
};
pub use rope::{Rope, RopeScaling};
pub use tensors::{Projection, TensorShape};

/// The file that a model directory keeps its configuration in.
pub const CONFIG_FILE: &str = "config.json";

/// A decoder-only transformer as its `config.json` describes it, checked: every value is in
/// range, fits the others, and asks for nothing that the model does not compute.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The family, which decides the names and defaults of the file.
    pub architecture: Architecture,
    /// Number of token ids, the rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the gated MLP.
    pub intermediate_size: usize,
    /// Number of decoder layers.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even. `heads * head_dim` may differ from `hidden_size`.
    pub head_dim: usize,
    /// The ε inside the root of every RMS norm.
    pub rms_norm_eps: f64,
    /// Rotary position embedding (rotate-half form).
    pub rope: Rope,
    /// What is computed, layer by layer.
    pub plan: Plan,
    /// Whether the head is the embedding (there is no `lm_head.weight` then).
    pub tied: bool,
    /// The longest sequence that the model was made for, in tokens.
    pub max_positions: usize,
    /// A sliding window that the file names and programs disagree on; none where there is no such. It is not computed:
    /// [`context`](Self::context) keeps texts within it, where it changes nothing.
    pub disputed_window: Option<usize>,
    /// The id that begins a text, if there is one.
    pub bos: Option<u32>,
    /// The ids that end a text; the file may give one or a list.
    pub eos: Vec<u32>,
    /// The id that fills rows, if there is one; may lie outside the vocabulary.
    pub pad: Option<u32>,
    raw: Map<String, Value>,
}

/// The families of models that one transformer covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// Llama 2 and 3, SmolLM2, TinyLlama.
    Llama,
    /// Mistral.
    Mistral,
    /// Qwen2 and Qwen2.5: bias on query, key and value.
    Qwen2,
    /// Qwen3: norms on query and key.
    Qwen3,
    /// SmolLM3: layers without positions.
    SmolLm3,
    /// Granite 3: four multipliers.
    Granite,
    /// Granite 4 without experts and state-space layers.
    GraniteHybrid,
    /// Phi-3 and Phi-4-mini: fused projections, partial rotary embedding.
    Phi3,
    /// Gemma 3, the text models: norms around, windows with a rotary base of their own.
    Gemma3,
}

impl Architecture {
    /// Every family.
    pub const ALL: [Self; 9] = [
        Self::Llama,
        Self::Mistral,
        Self::Qwen2,
        Self::Qwen3,
        Self::SmolLm3,
        Self::Granite,
        Self::GraniteHybrid,
        Self::Phi3,
        Self::Gemma3,
    ];

    /// The value of `model_type`.
    pub fn model_type(self) -> &'static str {
        self.family().model_type
    }

    /// The one value in `architectures`.
    pub fn class(self) -> &'static str {
        self.family().class
    }
}

/// What is wrong with a `config.json`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a JSON object.
    #[error("{}: {message}", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A value that no model can have.
    #[error("{}: `{key}` {message}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, as it is written in the file.
        key: String,
        /// What it is and what it should be.
        message: String,
    },
    /// A value that changes what the model computes, in a way that is not implemented.
    #[error(
        "{}: `{key}` = {value} changes what the model computes and is not implemented; {advice}",
        .path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The key, as it is written in the file.
        key: String,
        /// Its value, shortened.
        value: String,
        /// What is implemented instead.
        advice: String,
    },
}

impl ModelConfig {
    /// Reads `config.json` of the model directory `directory`.
    pub fn read(directory: &Path) -> Result<Self, ConfigError> {
        let path = directory.join(CONFIG_FILE);
        let value = json::read_value(&path).map_err(|error| match error {
            json::JsonError::File(error) => ConfigError::File(error),
            json::JsonError::Content { path, message } => ConfigError::Json { path, message },
        })?;
        read::config(&path, value)
    }

    /// Takes the content of a `config.json`.
    pub fn from_json(value: Value) -> Result<Self, ConfigError> {
        read::config(Path::new(CONFIG_FILE), value)
    }

    /// [`from_json`](Self::from_json); `path` is the file in messages.
    pub(crate) fn at(path: &Path, value: Value) -> Result<Self, ConfigError> {
        read::config(path, value)
    }

    /// A Llama with nothing unusual: no bias, RoPE θ 10000 without scaling, ε 1e-5, tied
    /// head, heads of `hidden_size / heads`, 2048 positions. For random models: set the
    /// fields that should differ, then [`validate`](Self::validate).
    pub fn llama(
        vocab_size: usize,
        hidden_size: usize,
        intermediate_size: usize,
        layers: usize,
        heads: usize,
        kv_heads: usize,
    ) -> Result<Self, ConfigError> {
        let config = Self {
            architecture: Architecture::Llama,
            vocab_size,
            hidden_size,
            intermediate_size,
            layers,
            heads,
            kv_heads,
            head_dim: hidden_size.checked_div(heads).unwrap_or(0),
            rms_norm_eps: 1e-5,
            rope: Rope::plain(10_000.0),
            plan: Plan::plain(LayerPlan::default()),
            disputed_window: None,
            tied: true,
            max_positions: 2048,
            bos: None,
            eos: Vec::new(),
            pad: None,
            raw: Map::new(),
        };
        config.validate()?;
        Ok(config)
    }

    /// The plan of a layer, by its number.
    pub fn layer(&self, number: usize) -> &LayerPlan {
        self.plan.layer(number)
    }

    /// The rotary embeddings of its layers: the main one, then the local one where there is one.
    pub fn ropes(&self) -> impl Iterator<Item = &Rope> {
        [Some(&self.rope), self.plan.local_rope.as_ref()]
            .into_iter()
            .flatten()
    }

    /// The narrowest window of its layers, if any has one.
    pub fn narrowest_window(&self) -> Option<usize> {
        let windows = self.plan.layers.iter();
        windows.filter_map(|layer| layer.attention.window).min()
    }

    /// The longest sequence that is computed as the model means it, in tokens: its positions, or less where its rotary
    /// embedding has other angles for longer texts, or programs disagree on a window.
    pub fn context(&self) -> usize {
        self.bounds()
            .map(|(length, _)| length)
            .fold(self.max_positions, usize::min)
    }

    /// The key of `config.json` that [`context`](Self::context) comes of.
    pub fn context_key(&self) -> &'static str {
        let length = self.context();
        let found = self.bounds().find(|(bound, _)| *bound == length);
        found.map_or("max_position_embeddings", |(_, key)| key)
    }

    fn bounds(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let ropes = self.ropes().filter_map(|rope| rope.scaling.one_set_up_to());
        let ropes = ropes.map(|length| (length, "original_max_position_embeddings"));
        let window = self
            .disputed_window
            .map(|window| (window, "sliding_window"));
        [(self.max_positions, "max_position_embeddings")]
            .into_iter()
            .chain(ropes)
            .chain(window)
    }

    /// Checks that every number is in range and fits the others.
    pub fn validate(&self) -> Result<(), ConfigError> {
        read::check(Path::new(CONFIG_FILE), self)
    }

    /// The file's content as it was read, empty for a configuration made here.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }
}
