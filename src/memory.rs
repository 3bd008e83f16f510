//! How much memory a stage will take, before it takes it.

use glpft_checkpoints::ModelConfig;
use glpft_recipes::{StageRecipe, Tune};

/// Bytes of a number: everything is f32.
const NUMBER: u64 = 4;
/// What a trained parameter has beside its value: a gradient and AdamW's two moments.
const TRAINED_EXTRA: u64 = 3;
/// Vectors of the hidden width that a layer keeps of a token for the backward pass.
const HIDDEN_KEPT: u64 = 16;
/// Vectors of the feed-forward width.
const INNER_KEPT: u64 = 5;

/// About how many bytes training takes at its peak: weights, gradients, moments, and the activations of a
/// micro-batch. `longest` is the longest example, which goes alone where it is longer than a micro-batch.
///
/// `4 · (parameters + 3 · trained + tokens · layers · (16 · hidden + 5 · intermediate))`, counted on a layer's
/// operations; the head, which sees labelled positions alone, is left out.
pub fn estimate(config: &ModelConfig, stage: &StageRecipe, longest: usize) -> u64 {
    let parameters = config.parameters();
    let (added, trained) = match stage.tune {
        Tune::Full => (0, parameters),
        Tune::Lora => {
            let adapters = adapter_parameters(config, stage);
            (adapters, adapters)
        }
    };
    let tokens = stage.micro_batch_tokens.max(longest) as u64;
    let token =
        HIDDEN_KEPT * config.hidden_size as u64 + INNER_KEPT * config.intermediate_size as u64;
    let activations = tokens
        .saturating_mul(config.layers as u64)
        .saturating_mul(token);
    parameters
        .saturating_add(added)
        .saturating_add(trained.saturating_mul(TRAINED_EXTRA))
        .saturating_add(activations)
        .saturating_mul(NUMBER)
}

fn adapter_parameters(config: &ModelConfig, stage: &StageRecipe) -> u64 {
    let targets = &stage.lora.target_modules;
    let projections = config.projections();
    let adapted = projections
        .iter()
        .filter(|projection| targets.iter().any(|target| target == projection.name));
    let sizes = adapted.map(|projection| (projection.inputs + projection.outputs) as u64);
    sizes.sum::<u64>() * stage.lora.rank as u64
}
