//! One training step: forward, loss, backward, update.

use std::sync::Arc;

use glpft_data::{Batch, Purpose, Random};
use glpft_model::kernels::AdamW;
use glpft_model::{Decoder, Dropout, LastTrunk, TrunkStates};
use glpft_recipes::{Backward, OnNotFinite, Stage, StageRecipe};

use crate::error::TrainError;
use crate::finite::{Which, first_broken};
use crate::gradients::Gradients;
use crate::optimizer::Optimizer;
use crate::pass::{Pass, Recompute};
use crate::stage_run::Inspect;
use crate::trained::trained;

/// What a step reads.
#[derive(Default)]
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

/// How a step went.
pub(crate) enum StepOutcome {
    /// It was applied.
    Applied(StepResult),
    /// This was not finite, so that nothing was applied.
    NotFinite(String),
}

/// Why a step breaks off.
enum Halt {
    NotFinite(String),
    Failed(TrainError),
}

impl<E: Into<TrainError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
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

/// What the micro-batches of a step add up to.
#[derive(Default)]
pub(crate) struct StepSum {
    gradients: Gradients,
    loss: f64,
}

/// One micro-batch of a step whose micro-batches come one by one: forward, backward, and its gradients added. `states`
/// are those of the trunk that it grows from. What is not finite is returned, and adds nothing.
pub(crate) fn add_batch(
    model: &mut Decoder,
    batch: &Batch,
    recipe: &StageRecipe,
    place: StepPlace,
    number: usize,
    states: Option<&Arc<TrunkStates>>,
    sum: &mut StepSum,
) -> Result<Option<String>, TrainError> {
    match add(model, batch, recipe, place, number, states, sum) {
        Ok(()) => Ok(None),
        Err(Halt::NotFinite(what)) => Ok(Some(what)),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// The update of a step whose micro-batches were added one by one.
pub(crate) fn finish_step<'a>(
    model: &'a mut Decoder,
    optimizer: &'a mut Optimizer,
    data: &'a StepData,
    recipe: &'a StageRecipe,
    place: StepPlace,
    sum: StepSum,
) -> Result<StepOutcome, TrainError> {
    let step = Step {
        model,
        optimizer,
        data,
        recipe,
        place,
        inspect: &mut |_, _, _, _| Ok(()),
    };
    match step.finish(sum) {
        Ok(result) => Ok(StepOutcome::Applied(result)),
        Err(Halt::NotFinite(what)) => Ok(StepOutcome::NotFinite(what)),
        Err(Halt::Failed(error)) => Err(error),
    }
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

/// Whether a step goes back through the layers twice, the first time for what decides about the update of all.
///
/// Layer by layer, that has to be known before the first of them is updated: the norm where it is clipped, and whether
/// it is finite where training is to go on if it is not.
pub(crate) fn goes_back_twice(recipe: &StageRecipe) -> bool {
    recipe.backward == Backward::LayerWise
        && (recipe.clip_norm > 0.0 || recipe.on_not_finite != OnNotFinite::Stop)
}

/// Trains `model` on one step's data. Where the loss or a gradient is not finite nothing is applied; only where a
/// layer-wise backward pass does not go back twice, the layers after the one with that gradient are updated by then,
/// and the model is to be thrown away, as the recipe's `stop` does.
pub(crate) fn train_step<'a>(
    model: &'a mut Decoder,
    optimizer: &'a mut Optimizer,
    data: &'a StepData,
    recipe: &'a StageRecipe,
    place: StepPlace,
    inspect: &'a mut Inspect<'a>,
) -> Result<StepOutcome, TrainError> {
    let step = Step {
        model,
        optimizer,
        data,
        recipe,
        place,
        inspect,
    };
    let result = match recipe.backward {
        Backward::Whole => step.whole(),
        Backward::LayerWise => step.layer_wise(),
    };
    match result {
        Ok(result) => Ok(StepOutcome::Applied(result)),
        Err(Halt::NotFinite(what)) => Ok(StepOutcome::NotFinite(what)),
        Err(Halt::Failed(error)) => Err(error),
    }
}

impl Step<'_> {
    /// Each micro-batch forward and backward, then the update of every parameter.
    fn whole(self) -> Result<StepResult, Halt> {
        let (mut sum, mut trunk) = (StepSum::default(), LastTrunk::default());
        for (number, batch) in self.data.batches.iter().enumerate() {
            let (recipe, place) = (self.recipe, self.place);
            let states = trunk.states(self.model, batch)?;
            let states = states.as_ref();
            add(self.model, batch, recipe, place, number, states, &mut sum)?;
        }
        self.finish(sum)
    }

    /// The update of every parameter.
    fn finish(mut self, sum: StepSum) -> Result<StepResult, Halt> {
        let StepSum {
            gradients,
            loss: loss_sum,
        } = sum;
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
    fn layer_wise(mut self) -> Result<StepResult, Halt> {
        // The head's gradients (the embedding's, where it is the head) are made with the loss.
        let mut outer = Gradients::default();
        let mut passes = Vec::new();
        let mut loss_sum = 0.0;
        let mut trunk = LastTrunk::default();
        for (number, batch) in self.data.batches.iter().enumerate() {
            let (model, place, all) = (&mut *self.model, self.place, Recompute::ALL);
            let states = trunk.states(model, batch)?;
            let Some((mut pass, loss)) =
                forward(model, batch, place, number, all, states.as_ref())?
            else {
                continue;
            };
            loss_sum += loss;
            pass.backward_segment(self.model, &mut outer);
            passes.push(pass);
        }

        let mut squares = 0.0;
        let twice = goes_back_twice(self.recipe);
        if twice {
            let mut again = passes.clone();
            while let Some(layer) = back_one_layer(self.model, &mut again) {
                squares += self.finite(layer.sum_of_squares()?)?;
            }
            back_to_embedding(self.model, again, &mut outer);
            squares += self.finite(outer.sum_of_squares()?)?;
        }
        let update = self.update(squares.sqrt() * self.mean());
        while let Some(layer) = back_one_layer(self.model, &mut passes) {
            if !twice {
                squares += self.finite(layer.sum_of_squares()?)?;
            }
            self.apply(layer, update)?;
        }
        if !twice {
            back_to_embedding(self.model, passes, &mut outer);
            squares += self.finite(outer.sum_of_squares()?)?;
        }
        self.apply(outer, update)?;
        Ok(StepResult {
            loss: loss_sum * self.mean(),
            grad_norm: squares.sqrt() * self.mean(),
        })
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

    /// The sum of squares, or the gradient that is not finite: of several the one that the backward pass comes to
    /// first, from which the others have it.
    fn finite(&mut self, squares: Result<f64, Vec<String>>) -> Result<f64, Halt> {
        squares.map_err(|broken| {
            let trained = trained(self.model);
            let first = trained
                .iter()
                .rev()
                .find(|parameter| broken.contains(&parameter.name));
            let path = first.map_or("a parameter", |parameter| &parameter.name);
            Halt::NotFinite(format!("the gradient of {path}"))
        })
    }
}

/// A micro-batch forward and backward, its gradients added.
fn add(
    model: &mut Decoder,
    batch: &Batch,
    recipe: &StageRecipe,
    place: StepPlace,
    number: usize,
    states: Option<&Arc<TrunkStates>>,
    sum: &mut StepSum,
) -> Result<(), Halt> {
    let recompute = Recompute::Every(recipe.recompute);
    if let Some((pass, loss)) = forward(model, batch, place, number, recompute, states)? {
        sum.loss += loss;
        pass.backward(model, &mut sum.gradients);
    }
    Ok(())
}

/// The forward pass of a micro-batch, and its loss; none where it has no targets.
fn forward(
    model: &mut Decoder,
    batch: &Batch,
    place: StepPlace,
    number: usize,
    recompute: Recompute,
    states: Option<&Arc<TrunkStates>>,
) -> Result<Option<(Pass, f64)>, Halt> {
    let StepPlace {
        seed, stage, step, ..
    } = place;
    let random = Random::new(seed, Some(stage), step as u64, Purpose::Dropout);
    let dropout = Dropout::new(random.stream(number as u64));
    let found = Pass::forward(model, batch, Some(dropout), recompute, states)?;
    match found {
        Some((_, loss)) if !loss.is_finite() => {
            let broken = first_broken(model, Which::All)?;
            Err(Halt::NotFinite(match broken {
                Some(path) => format!("the loss, like the weights of {path},"),
                None => "the loss, with finite weights,".to_owned(),
            }))
        }
        found => Ok(found),
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
