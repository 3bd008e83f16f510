//! `[model]`: what the run starts from.

use serde::{Deserialize, Serialize};

/// `[model]`, resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelRecipe {
    /// A Hugging Face model directory, a model's name on the hub that its cache on this machine holds, a GGUF file, or
    /// `random`: then [`ModelRecipe::random`] says its shape.
    /// Required.
    pub base: String,
    /// A `tokenizer.json`, a directory holding one, or `builtin:sample`; default: the base's own
    /// (a random model needs one set).
    pub tokenizer: Option<String>,
    /// The type that finished whole models are written in; adapters are written in single precision. Default: `base`.
    pub dtype: ModelDtype,
    /// The type in which a stage with `tune = "lora"` holds the projections' weights, which it does not train. They are
    /// converted when they are loaded, and back to single precision for one product at a time. Embedding, head, norms,
    /// biases and adapters stay single precision, and so does everything in a stage with `tune = "full"`. An adapter is merged
    /// into the weights of the files, not into these. Default: `f32`.
    pub weights: WeightType,
    /// Whether the blocks' scales of `int8` and `nf4` are held in 8 bits (double quantization, arXiv 2305.14314, §3):
    /// 0.37 bits less for each weight. Default: false.
    pub double_quantization: bool,
    /// The shape of a randomly initialized Llama; present exactly where `base` is `random`.
    pub random: Option<RandomModel>,
}

impl ModelRecipe {
    /// How weights are held that are not trained.
    pub fn frozen_weights(&self) -> FrozenWeights {
        FrozenWeights {
            held_as: self.weights,
            double_quantization: self.double_quantization,
        }
    }
}

/// The type that the weights of finished models are written in. Training computes in single precision in any case, and
/// its checkpoints hold that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelDtype {
    /// The type of the weights that the stage starts from; single precision for a GGUF file and a random model.
    #[default]
    Base,
    /// Single precision.
    F32,
    /// bfloat16.
    Bf16,
    /// IEEE half precision.
    F16,
}

/// A type for weights that are not trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightType {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16, 16 bits a weight: exact where the files hold bfloat16.
    Bf16,
    /// Whole numbers from -127 to 127, and a scale for each 64 weights: 8.5 bits a weight.
    Int8,
    /// The 4-bit NormalFloat of QLoRA (arXiv 2305.14314), and a scale for each 64 weights: 4.5 bits a weight.
    Nf4,
}

/// How a stage holds the projections' weights, which it does not train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrozenWeights {
    /// `model.weights`; single precision in a stage that trains them.
    pub held_as: WeightType,
    /// `model.double_quantization`, where `held_as` has scales.
    pub double_quantization: bool,
}

/// A randomly initialized Llama-architecture model; its vocabulary is the tokenizer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomModel {
    /// Width of the residual stream: a multiple of `heads`, with an even head size.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key/value heads; divides `heads`. Default: `heads`.
    pub kv_heads: usize,
    /// Longest sequence that the position encoding is meant for. Default: 4096.
    pub max_positions: usize,
    /// Whether the output head is the embedding matrix. Default: true.
    pub tied: bool,
    /// Standard deviation of the initial weights. Default: 0.02.
    pub initializer_range: f64,
}
