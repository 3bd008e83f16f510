//! How much memory a stage will take, before it takes it.

use glpft_checkpoints::ModelConfig;
use glpft_recipes::StageRecipe;
use glpft_train::StepMemory;

/// How many bytes training takes at its peak: weights, moments, gradients, and the activations of a micro-batch (with a
/// layer-wise backward, of a step). `longest` is the longest example, which goes alone where it is longer than a
/// micro-batch; `step_tokens` are the largest step's.
pub fn estimate(
    config: &ModelConfig,
    stage: &StageRecipe,
    longest: usize,
    step_tokens: usize,
) -> u64 {
    let micro_batch = stage.micro_batch_tokens.max(longest).min(step_tokens);
    StepMemory::of(config, stage, micro_batch.max(longest), step_tokens).total()
}
