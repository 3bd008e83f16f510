//! How long what is left of a run will take, about.

use glpft_recipes::{Recipe, Stage};

use crate::prepare::{PrepareReport, datasets_of};

/// How much a stage is, by what was counted when its data were prepared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Amount {
    /// Tokens of the examples of all its steps, about.
    pub tokens: f64,
    /// Examples held out.
    pub held_out: usize,
}

/// How much a stage is.
pub(super) fn amount(recipe: &Recipe, stage: Stage, prepared: &PrepareReport) -> Amount {
    let (mut examples, mut held_out, mut tokens) = (0, 0, 0.0);
    for &dataset in datasets_of(recipe, stage) {
        if let Some(told) = prepared.dataset(dataset) {
            examples += told.training_examples;
            held_out += told.validation_examples;
            // Those that are held out or of the other half are as long.
            let share = told.training_examples as f64 / told.examples.max(1) as f64;
            tokens += share * told.tokens as f64;
        }
    }
    let settings = recipe.stage(stage);
    // With whole trajectories, steps have more examples than `batch`, so that there are fewer.
    let steps = f64::from(settings.epochs) * examples.div_ceil(settings.batch.max(1)) as f64;
    let cut = match settings.max_steps {
        Some(most) if steps > 0.0 => (most as f64 / steps).min(1.0),
        _ => 1.0,
    };
    Amount {
        tokens: f64::from(settings.epochs) * cut * tokens,
        held_out,
    }
}

/// How fast stages were, the last one that was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    tokens_per_second: Option<f64>,
}

impl Rate {
    /// A stage trained on so many tokens in so long.
    pub fn measured(&mut self, tokens: usize, seconds: f64) {
        if tokens > 0 && seconds > 0.0 {
            self.tokens_per_second = Some(tokens as f64 / seconds);
        }
    }

    /// How long so many tokens take; none where nothing was measured yet.
    pub fn seconds(&self, tokens: f64) -> Option<f64> {
        self.tokens_per_second.map(|rate| tokens / rate)
    }
}
