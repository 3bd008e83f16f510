//! The shape and arithmetic of a model: Hugging Face's `config.json`.

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
    /// Whether the query, key and value projections have a bias.
    pub qkv_bias: bool,
    /// Whether the attention's output projection has a bias.
    pub output_bias: bool,
    /// Whether the three MLP projections have a bias.
    pub mlp_bias: bool,
    /// Whether each query and key head is RMS-normed over `head_dim` before rotation.
    pub qk_norm: bool,
    /// Whether the head is the embedding (there is no `lm_head.weight` then).
    pub tied: bool,
    /// The longest sequence that the model was made for, in tokens.
    pub max_positions: usize,
    /// How many positions back, its own among them, the layers with a sliding window attend; none where every layer
    /// attends to all. The window is not computed: [`context`](Self::context) keeps texts within it, where it changes
    /// nothing.
    pub window: Option<usize>,
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
}

impl Architecture {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3];

    /// The value of `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The one value in `architectures`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
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
            rope: Rope {
                theta: 10_000.0,
                scaling: RopeScaling::None,
            },
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            qk_norm: false,
            tied: true,
            max_positions: 2048,
            window: None,
            bos: None,
            eos: Vec::new(),
            pad: None,
            raw: Map::new(),
        };
        config.validate()?;
        Ok(config)
    }

    /// The longest sequence that is computed as the model means it, in tokens: its positions, or its sliding window where
    /// that is narrower.
    pub fn context(&self) -> usize {
        let window = self.window.unwrap_or(self.max_positions);
        self.max_positions.min(window)
    }

    /// The key of `config.json` that [`context`](Self::context) comes of.
    pub fn context_key(&self) -> &'static str {
        match self.context() < self.max_positions {
            true => "sliding_window",
            false => "max_position_embeddings",
        }
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
