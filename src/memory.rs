//! How much memory a stage will take, before it takes it.

use glpft_checkpoints::ModelConfig;
use glpft_recipes::StageRecipe;
use glpft_train::StepMemory;

/// What is computed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Computed {
    /// Examples in micro-batches.
    Together {
        /// The tokens of the longest example, which goes alone where it is longer than a micro-batch.
        longest: usize,
        /// The tokens of the largest step.
        step: usize,
    },
    /// Branches that grow from a trunk.
    Branches {
        /// The tokens of the largest trunk.
        trunk: usize,
        /// Those of the largest micro-batch of branches.
        tokens: usize,
    },
}

/// How many bytes training takes at its peak: weights, moments, gradients, and the activations of a micro-batch (with a
/// layer-wise backward, of a step).
pub fn estimate(config: &ModelConfig, stage: &StageRecipe, computed: Computed) -> u64 {
    match computed {
        Computed::Together { longest, step } => {
            let micro_batch = stage.micro_batch_tokens.max(longest).min(step);
            StepMemory::of(config, stage, micro_batch.max(longest), step).total()
        }
        Computed::Branches { trunk, tokens } => {
            // Nearly every step has several micro-batches.
            let memory = StepMemory::of(config, stage, tokens, 2 * tokens);
            memory.on_trunk(config, trunk).total()
        }
    }
}

/// How many of them are the optimizer's moments, which several ranks divide among them.
pub fn moments(config: &ModelConfig, stage: &StageRecipe) -> u64 {
    StepMemory::of(config, stage, 0, 0).moments
}
