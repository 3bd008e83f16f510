//! How much memory a training step takes: formulas, held to 10 % of what a counting allocator sees by
//! `tests/memory.rs`.
//!
//! Of each token a kept layer keeps, in numbers (`h` hidden width, `q` and `k` widths of all query and of all key heads,
//! `f` feed-forward width, `r` rank of the adapters):
//!
//! | tensor | numbers |
//! |---|---|
//! | inputs of the two norms, which are the residual stream | 2 h |
//! | query and key before their norms, in models that norm them | q + k |
//! | query and key rotated, value, the attention's output | 2 q + 2 k |
//! | log-sum-exp of the attention | query heads |
//! | gate and up | 2 f |
//! | inner products of the adapters | r each |
//!
//! Outputs of norms, gated products and dropout masks are made again, and logits exist for a few positions at a time, so they
//! count nothing. A recomputed layer keeps its input: h. While the backward pass is in a layer, the layer keeps all of the
//! above; beside it exist the gradients of the residual stream and of a norm's output, 2 h, and in the feed-forward layer
//! those of gate, up and their product, 3 f, or in attention those of its output and of query (one a thread, of which two are
//! counted), key and value, which are laid out once more: 3 q + 4 k.
//!
//! Where a stage holds frozen weights in fewer bits, one of them at a time is there in full beside.
//!
//! A trunk, which adapters that wake grow from, goes forward without a graph. Of each of its tokens every layer keeps key and
//! value, 2 k; while it goes through a layer there are the residual stream before and after, a norm's output, and gate, up
//! and their product or query, key, value and the attention's output, of which some are laid out once more.

use glpft_checkpoints::{AdaptedModule, ModelConfig, Projection};
use glpft_model::quantized::BLOCK;
use glpft_model::{adapter_config, weight_bytes};
use glpft_recipes::{Backward, FrozenWeights, Moments, StageRecipe, Tune};

use crate::step::goes_back_twice;

/// Bytes of a number: everything is f32 but frozen weights.
const NUMBER: f64 = 4.0;

/// Bytes that training takes at its peak, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepMemory {
    /// The model's parameters, adapters among them.
    pub weights: u64,
    /// The optimizer's two moments of each trained parameter.
    pub moments: u64,
    /// Gradients of parameters.
    pub gradients: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// What the layer at work needs beside.
    pub working: u64,
    /// Keys and values of the trunk that branches grow from.
    pub trunk: u64,
}

impl StepMemory {
    /// At the peak of a step whose largest micro-batch has `tokens` tokens, and whose micro-batches have `step_tokens`
    /// together.
    pub fn of(
        config: &ModelConfig,
        recipe: &StageRecipe,
        tokens: usize,
        step_tokens: usize,
    ) -> Self {
        let sizes = Sizes::of(config, recipe);
        let (tokens, step_tokens) = (tokens as f64, step_tokens.max(tokens) as f64);
        let several = step_tokens > tokens;
        let moments = (0..config.layers).map(|layer| match recipe.backward {
            Backward::Whole => sizes.in_layer(layer, tokens, several, recipe.recompute),
            Backward::LayerWise => {
                let twice = goes_back_twice(recipe);
                sizes.in_layer_alone(layer, tokens, step_tokens, twice)
            }
        });
        let at_end = Moment {
            gradients: match recipe.backward {
                Backward::Whole if several && recipe.recompute == 0 => 2.0 * sizes.trained,
                Backward::Whole => sizes.trained,
                Backward::LayerWise => 2.0 * sizes.embedding,
            },
            activations: tokens * sizes.hidden,
            working: 0.0,
        };
        let peak = moments.fold(at_end, |peak, moment| match moment.sum() > peak.sum() {
            true => moment,
            false => peak,
        });
        let bytes = |numbers: f64| (numbers * NUMBER) as u64;
        Self {
            weights: bytes(sizes.parameters).saturating_sub(saved(config, recipe)),
            moments: of_moments(sizes.trained, recipe),
            gradients: bytes(peak.gradients),
            activations: bytes(peak.activations),
            working: bytes(peak.working),
            trunk: 0,
        }
    }

    /// The same where the micro-batches are branches of a trunk of so many tokens.
    pub fn on_trunk(self, config: &ModelConfig, tokens: usize) -> Self {
        let [hidden, inner, heads, kv_heads] = [
            config.hidden_size,
            config.intermediate_size,
            config.heads * config.head_dim,
            config.kv_heads * config.head_dim,
        ]
        .map(|size| size as f64);
        let numbers = |of_token: f64| (tokens as f64 * of_token * NUMBER) as u64;
        let trunk = numbers(2.0 * kv_heads * config.layers as f64);
        // Before there is anything of the branches, and without the last layer's keys and values, which come at the end.
        let in_layer = 3.0 * hidden + (3.0 * inner).max(2.0 * heads + 4.0 * kv_heads);
        let forward = numbers(in_layer - 2.0 * kv_heads);
        let of_branches = self.activations + self.working;
        Self {
            working: self.working + forward.saturating_sub(of_branches),
            trunk,
            ..self
        }
    }

    /// What a step needs beside the weights and the moments, which are there before it.
    pub fn step(&self) -> u64 {
        self.gradients
            .saturating_add(self.activations)
            .saturating_add(self.working)
            .saturating_add(self.trunk)
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights
            .saturating_add(self.moments)
            .saturating_add(self.step())
    }
}

/// Bytes of the optimizer's two moments of so many parameters.
fn of_moments(trained: f64, recipe: &StageRecipe) -> u64 {
    let of_number = match recipe.moments {
        Moments::F32 => 4.0,
        Moments::Bf16 => 2.0,
        // A scale for each block.
        Moments::Int8 => 1.0 + 4.0 / BLOCK as f64,
    };
    (2.0 * of_number * trained) as u64
}

/// How many numbers the weight of each projection has.
fn weights(config: &ModelConfig) -> impl Iterator<Item = usize> {
    let projections = (0..config.layers).flat_map(|layer| config.projections_of(layer));
    projections.map(
        |Projection {
             inputs, outputs, ..
         }| inputs.saturating_mul(outputs),
    )
}

/// Bytes by which the projections' weights are fewer than in single precision.
fn saved(config: &ModelConfig, recipe: &StageRecipe) -> u64 {
    let of_one = |numbers: usize| {
        let whole = (numbers as u64).saturating_mul(4);
        whole.saturating_sub(weight_bytes(recipe.frozen, numbers))
    };
    weights(config).map(of_one).fold(0, u64::saturating_add)
}

/// Numbers that exist while the backward pass is somewhere.
struct Moment {
    gradients: f64,
    activations: f64,
    working: f64,
}

impl Moment {
    fn sum(&self) -> f64 {
        self.gradients + self.activations + self.working
    }
}

/// Counts of numbers, as `f64` because no model is too large for them.
struct Sizes {
    layers: usize,
    hidden: f64,
    /// Kept of a token by a layer for the backward pass.
    kept: f64,
    /// Of a token, beside what is kept, while the backward pass is in a layer.
    working: f64,
    /// Of a token, for all layers: its ids, and the cosines and sines of its position.
    inputs: f64,
    /// All parameters, adapters among them.
    parameters: f64,
    /// Trained ones.
    trained: f64,
    /// Trained ones of one layer.
    of_layer: f64,
    /// Trained ones of the embedding; the head has as many, or is the same.
    embedding: f64,
    tied: bool,
    /// Of the weight that is at work in full, where weights are held in fewer bits.
    in_full: f64,
}

impl Sizes {
    fn of(config: &ModelConfig, recipe: &StageRecipe) -> Self {
        let full = recipe.tune == Tune::Full;
        let [hidden, inner, heads, head_dim, kv_heads] = [
            config.hidden_size,
            config.intermediate_size,
            config.heads,
            config.head_dim,
            config.kv_heads,
        ]
        .map(|size| size as f64);
        let (query, key) = (heads * head_dim, kv_heads * head_dim);
        // Settings that do not fit are refused elsewhere; ranks may differ between layers.
        let adapted = match full {
            true => Vec::new(),
            false => adapter_config(&recipe.lora)
                .modules(config)
                .unwrap_or_default(),
        };
        let layers = config.layers as f64;
        let of_layer = |count: &dyn Fn(&AdaptedModule) -> usize| {
            adapted.iter().map(count).sum::<usize>() as f64 / layers
        };
        let ranks = of_layer(&|module| module.rank);
        let adapters = of_layer(&|module| (module.inputs + module.outputs) * module.rank);
        let kept = [
            2.0 * hidden,
            if config.layer(0).attention.head_norms {
                query + key
            } else {
                0.0
            },
            2.0 * query + 2.0 * key + heads,
            2.0 * inner,
            ranks,
        ];
        let parameters = config.parameters() as f64;
        let matrix = config.vocab_size as f64 * hidden;
        let outer = if config.tied { matrix } else { 2.0 * matrix };
        let (added, embedding, of_layer, trained) = match full {
            true => (0.0, matrix, (parameters - outer) / layers, parameters),
            false => (layers * adapters, 0.0, adapters, layers * adapters),
        };
        Self {
            layers: config.layers,
            hidden,
            kept: kept.iter().sum(),
            working: 2.0 * hidden + (3.0 * inner).max(3.0 * query + 4.0 * key),
            inputs: 4.0 + head_dim,
            parameters: parameters + added,
            trained,
            of_layer,
            embedding,
            tied: config.tied,
            in_full: match recipe.frozen == FrozenWeights::default() {
                true => 0.0,
                false => weights(config).max().unwrap_or(0) as f64,
            },
        }
    }

    /// While the whole model's backward pass is in `layer`, of a micro-batch; after another one if `several`.
    fn in_layer(&self, layer: usize, tokens: f64, several: bool, nth: usize) -> Moment {
        let recomputed = |layers: usize| layers.checked_div(nth).unwrap_or(0);
        let again = recomputed(layer + 1) > recomputed(layer);
        let below = recomputed(layer + 1);
        let kept = (layer + 1 - below) as f64 * self.kept + below as f64 * self.hidden;
        let above = self.layers - 1 - layer;
        let (summed, made) = match (several, nth) {
            (false, _) => (0.0, above),
            (true, 0) => (self.trained, above),
            // A segment's gradients are added to the sums before the next segment's are made.
            (true, nth) => (self.trained, above.min(nth - 1)),
        };
        Moment {
            gradients: summed + self.embedding + made as f64 * self.of_layer,
            activations: tokens * (kept + self.inputs),
            // The input that is kept of a recomputed layer is what the layer keeps of it.
            working: self.in_full
                + tokens * (self.working + if again { self.kept - self.hidden } else { 0.0 }),
        }
    }

    /// While a layer-wise backward pass is in `layer`, of all micro-batches.
    fn in_layer_alone(&self, layer: usize, tokens: f64, step_tokens: f64, twice: bool) -> Moment {
        let several = step_tokens > tokens;
        // The first of two passes leaves the inputs to the second, and the gradient that it began with.
        let (inputs, streams) = match twice {
            true => (self.layers, 2),
            false => (layer + 1, 1),
        };
        let embedding = match twice && !self.tied {
            true => 2.0 * self.embedding,
            false => self.embedding,
        };
        Moment {
            gradients: embedding + if several { self.of_layer } else { 0.0 },
            activations: step_tokens * ((inputs + streams) as f64 * self.hidden + self.inputs),
            working: self.in_full + tokens * (self.kept + self.working - 2.0 * self.hidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use glpft_recipes::{Recipe, Stage, WeightType};

    use super::*;

    /// What the guide tells of Llama-2-7B: LoRA, 4096 tokens, every layer computed again.
    #[test]
    fn seven_billion_parameters_by_type_of_weights() {
        let json = serde_json::json!({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000,
            "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
            "num_attention_heads": 32, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": false
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, json.to_string()).expect("the file can be written");
        let config = ModelConfig::read(folder.path()).expect("a configuration");
        let recipe = Recipe::load_partial("alpha-umi-7b-lora", &[]).expect("a recipe");
        let gibibytes = |held_as, double_quantization| {
            let settings = StageRecipe {
                recompute: 1,
                frozen: FrozenWeights {
                    held_as,
                    double_quantization,
                },
                ..recipe.stage(Stage::Planner).clone()
            };
            let total = StepMemory::of(&config, &settings, 4096, 8192).total();
            (total as f64 / (1u64 << 30) as f64 * 10.0).round() / 10.0
        };
        let found = [
            gibibytes(WeightType::F32, false),
            gibibytes(WeightType::Bf16, false),
            gibibytes(WeightType::Int8, false),
            gibibytes(WeightType::Nf4, false),
            gibibytes(WeightType::Nf4, true),
        ];
        assert_eq!(found, [28.4, 16.6, 10.9, 7.9, 7.6]);
    }
}
