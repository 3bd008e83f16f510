//! One training step: forward, loss, backward, update.

use glpft_data::{Batch, Purpose, Random};
use glpft_model::kernels::AdamW;
use glpft_model::{Decoder, Dropout};
use glpft_recipes::{Backward, Stage, StageRecipe};

use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::optimizer::Optimizer;
use crate::pass::{Pass, Recompute};
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

/// A step under way: what its passes over the model share.
struct Step<'a> {
    model: &'a mut Decoder,
    optimizer: &'a mut Optimizer,
    data: &'a StepData,
    recipe: &'a StageRecipe,
    place: StepPlace,
    inspect: &'a mut Inspect<'a>,
}

/// Trains `model` on one step's data. Where the loss or a gradient is not finite the step is not applied (with a
/// layer-wise backward and no clipping: not to the layer and those before it; the model is then to be thrown away).
pub(crate) fn train_step<'a>(
    model: &'a mut Decoder,
    optimizer: &'a mut Optimizer,
    data: &'a StepData,
    recipe: &'a StageRecipe,
    place: StepPlace,
    inspect: &'a mut Inspect<'a>,
) -> Result<StepResult, TrainError> {
    let step = Step {
        model,
        optimizer,
        data,
        recipe,
        place,
        inspect,
    };
    match recipe.backward {
        Backward::Whole => step.whole(),
        Backward::LayerWise => step.layer_wise(),
    }
}

impl Step<'_> {
    /// Each micro-batch forward and backward, then the update of every parameter.
    fn whole(mut self) -> Result<StepResult, TrainError> {
        let mut gradients = Gradients::default();
        let mut loss_sum = 0.0;
        for number in 0..self.data.batches.len() {
            let recompute = Recompute::Every(self.recipe.recompute);
            let Some((pass, loss)) = self.forward(number, recompute)? else {
                continue;
            };
            loss_sum += loss;
            pass.backward(self.model, &mut gradients);
        }
        let norm = self.finite(gradients.sum_of_squares()?)?.sqrt();

        let grad_norm = norm * self.mean();
        let update = self.update(grad_norm);
        self.apply(gradients, update)?;
        Ok(StepResult {
            loss: loss_sum * self.mean(),
            grad_norm,
        })
    }

    /// All micro-batches forward, then back through one layer after the other, each updated as soon as its gradients
    /// are whole.
    fn layer_wise(mut self) -> Result<StepResult, TrainError> {
        // The head's gradients (the embedding's, where it is the head) are made with the loss.
        let mut outer = Gradients::default();
        let mut passes = Vec::new();
        let mut loss_sum = 0.0;
        for number in 0..self.data.batches.len() {
            let Some((mut pass, loss)) = self.forward(number, Recompute::ALL)? else {
                continue;
            };
            loss_sum += loss;
            pass.backward_segment(self.model, &mut outer);
            passes.push(pass);
        }

        let mut squares = 0.0;
        let clips = self.recipe.clip_norm > 0.0;
        if clips {
            // The norm decides about every layer, so that it must be known before the first update.
            let mut again = passes.clone();
            while let Some(layer) = back_one_layer(self.model, &mut again) {
                squares += self.finite(layer.sum_of_squares()?)?;
            }
            back_to_embedding(self.model, again, &mut outer);
            squares += self.finite(outer.sum_of_squares()?)?;
        }
        let update = self.update(squares.sqrt() * self.mean());
        while let Some(layer) = back_one_layer(self.model, &mut passes) {
            if !clips {
                squares += self.finite(layer.sum_of_squares()?)?;
            }
            self.apply(layer, update)?;
        }
        if !clips {
            back_to_embedding(self.model, passes, &mut outer);
            squares += self.finite(outer.sum_of_squares()?)?;
        }
        self.apply(outer, update)?;
        Ok(StepResult {
            loss: loss_sum * self.mean(),
            grad_norm: squares.sqrt() * self.mean(),
        })
    }

    /// The forward pass of a micro-batch, and its loss; none where it has no targets.
    fn forward(
        &mut self,
        number: usize,
        recompute: Recompute,
    ) -> Result<Option<(Pass, f64)>, TrainError> {
        let StepPlace {
            seed, stage, step, ..
        } = self.place;
        let random = Random::new(seed, Some(stage), step as u64, Purpose::Dropout);
        let dropout = Dropout::new(random.stream(number as u64));
        let batch = &self.data.batches[number];
        let found = Pass::forward(self.model, batch, Some(dropout), recompute)?;
        match found {
            Some((_, loss)) if !loss.is_finite() => Err(self.not_finite("the loss".to_owned())),
            found => Ok(found),
        }
    }

    /// What makes a mean of a sum: a step's loss is the mean over its label tokens, however they fell into
    /// micro-batches.
    fn mean(&self) -> f64 {
        let batches = self.data.batches.iter();
        let label_tokens: usize = batches.map(|batch| batch.label_tokens).sum();
        1.0 / label_tokens.max(1) as f64
    }

    /// The step's update, where the averaged gradient has that norm.
    fn update(&mut self, grad_norm: f64) -> AdamW {
        let clip = match self.recipe.clip_norm {
            bound if bound > 0.0 && grad_norm > bound => bound / grad_norm,
            _ => 1.0,
        };
        let scale = self.mean() * clip;
        self.optimizer.next(self.recipe, self.place.lr, scale)
    }

    /// Updates the parameters that `gradients` are of.
    fn apply(&mut self, gradients: Gradients, update: AdamW) -> Result<(), TrainError> {
        let (step, mean) = (self.place.step as u64 + 1, self.mean());
        (self.inspect)(self.model, step, &gradients, mean)?;
        self.optimizer.apply(self.model, gradients, update);
        Ok(())
    }

    fn finite(&self, squares: Result<f64, String>) -> Result<f64, TrainError> {
        squares.map_err(|path| self.not_finite(format!("the gradient of {path}")))
    }

    fn not_finite(&self, what: String) -> TrainError {
        TrainError::NotFinite {
            stage: self.place.stage.name(),
            step: self.place.step as u64 + 1,
            what,
            examples: self.data.examples.join(", "),
        }
    }
}

/// Takes every micro-batch back through one layer: its gradients, or none where no layer is left.
fn back_one_layer(model: &mut Decoder, passes: &mut [Pass]) -> Option<Gradients> {
    let mut layer = Gradients::default();
    let mut any = false;
    for pass in passes {
        any |= pass.backward_segment(model, &mut layer);
    }
    any.then_some(layer)
}

/// Adds what reaches the embedding.
fn back_to_embedding(model: &mut Decoder, passes: Vec<Pass>, gradients: &mut Gradients) {
    for pass in passes {
        pass.backward_embedding(model, gradients);
    }
}
