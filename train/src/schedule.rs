//! The learning rate's course.

use std::f64::consts::PI;

use glpft_recipes::{Schedule, StageRecipe};

/// The learning rate of a step (from 0) of `total`: a straight rise from 0 over the first ⌈warmup_ratio · total⌉
/// steps, then the recipe's schedule, which reaches 0 after the last step (as Hugging Face's trainer counts).
pub fn learning_rate(recipe: &StageRecipe, step: usize, total: usize) -> f64 {
    // A stage of one step would otherwise end before it has risen from 0.
    let warmup =
        ((recipe.warmup_ratio * total as f64).ceil() as usize).min(total.saturating_sub(1));
    if step < warmup {
        return recipe.lr * step as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / (total.saturating_sub(warmup)).max(1) as f64;
    recipe.lr
        * match recipe.schedule {
            Schedule::Cosine => (1.0 + (PI * progress).cos()) / 2.0,
            Schedule::Linear => (1.0 - progress).max(0.0),
            Schedule::Constant => 1.0,
        }
}
