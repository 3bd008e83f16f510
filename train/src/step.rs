//! One training step: forward, loss, backward, update.

use glpft_data::{Batch, Purpose, Random};
use glpft_model::{Decoder, Dropout, Inputs};
use glpft_recipes::{Stage, StageRecipe};

use crate::error::TrainError;
use crate::gradients::{Gradients, numbers};
use crate::optimizer::Optimizer;
use crate::stage::Inspect;

/// What a step reads.
pub struct StepData {
    /// The micro-batches.
    pub batches: Vec<Batch>,
    /// The examples' names, `trajectory:turn`, for messages.
    pub examples: Vec<String>,
}

/// What a step did.
pub(crate) struct StepResult {
    /// The mean loss of a label token, in nats, before the update.
    pub loss: f64,
    /// The gradient's norm before clipping.
    pub grad_norm: f64,
}

/// Where in a stage a step is.
#[derive(Clone, Copy)]
pub(crate) struct StepPlace {
    pub seed: u64,
    pub stage: Stage,
    /// From 0.
    pub step: usize,
    pub lr: f64,
}

/// Trains `model` on one step's data. Where the loss or a gradient is not finite the step is not applied.
///
pub(crate) fn train_step(
    model: &mut Decoder,
    optimizer: &mut Optimizer,
    data: &StepData,
    recipe: &StageRecipe,
    place: StepPlace,
    inspect: &mut Inspect<'_>,
) -> Result<StepResult, TrainError> {
    let not_finite = |what: String| TrainError::NotFinite {
        stage: place.stage.name(),
        step: place.step as u64 + 1,
        what,
        examples: data.examples.join(", "),
    };
    let random = Random::new(
        place.seed,
        Some(place.stage),
        place.step as u64,
        Purpose::Dropout,
    );
    let mut gradients = Gradients::default();
    let mut loss_sum = 0.0;
    let mut label_tokens = 0;
    for (number, batch) in data.batches.iter().enumerate() {
        let inputs = Inputs::new(batch, model.config(), model.device(), model.dtype())?;
        let dropout = Dropout::new(random.stream(number as u64));

        let Some(loss) = model.loss(&inputs, Some(dropout)) else {
            continue;
        };
        let summed: f64 = numbers(loss.clone().inner())?.iter().sum();
        if !summed.is_finite() {
            return Err(not_finite("the loss".to_owned()));
        }
        gradients.add(model, loss.backward());

        loss_sum += summed;
        label_tokens += batch.label_tokens;
    }
    // The step's loss is the mean over its label tokens, however they fell into micro-batches.
    let mean = 1.0 / label_tokens.max(1) as f64;
    let norm = gradients
        .norm()?
        .map_err(|path| not_finite(format!("the gradient of {path}")))?;
    let grad_norm = norm * mean;
    let clip = match recipe.clip_norm {
        bound if bound > 0.0 && grad_norm > bound => bound / grad_norm,
        _ => 1.0,
    };
    inspect(model, place.step as u64 + 1, &gradients, mean)?;

    optimizer.update(model, gradients, recipe, place.lr, mean * clip);
    Ok(StepResult {
        loss: loss_sum * mean,
        grad_norm,
    })
}
