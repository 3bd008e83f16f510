//! One training step: forward, loss, backward, update.

use std::sync::Arc;
use std::time::Instant;

use glpft_checkpoints::TensorShape;
use glpft_data::{Batch, Purpose, Random};
use glpft_model::kernels::AdamW;
use glpft_model::{Decoder, Dropout, LastTrunk, Part, TrunkStates};
use glpft_recipes::{Backward, OnNotFinite, Stage, StageRecipe};

use crate::error::TrainError;
use crate::finite::{Which, first_broken};
use crate::gradients::Gradients;
use crate::optimizer::Optimizer;
use crate::pass::{Pass, Recompute};
use crate::ranks::{Alone, Told, Transport, reduced, sums_of_squares};
use crate::stage_run::Inspect;
use crate::trained::trained;

/// What a step reads.
#[derive(Default)]
pub struct StepData {
    /// The micro-batches; of several ranks this one's.
    pub batches: Vec<Batch>,
    /// The examples' names, `trajectory:turn`, for messages; of several ranks those of all.
    pub examples: Vec<String>,
    /// The step's label tokens; of several ranks those of all.
    pub label_tokens: usize,
    /// Tokens of `batches` that are computed again because a tree was cut.
    pub recomputed_tokens: usize,
}

/// What a step did.
pub(crate) struct StepResult {
    /// The mean loss of a label token, in nats, before the update.
    pub loss: f64,
    /// The gradient's norm before clipping.
    pub grad_norm: f64,
    /// What each rank did.
    pub told: Vec<Told>,
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
    /// Whether any micro-batch had targets.
    learned: bool,
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
    match add(model, batch, recipe, place, number as u64, states, sum) {
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
    let mut step = Step {
        model,
        optimizer,
        data,
        recipe,
        place,
        ranks: &Alone,
        started: Instant::now(),
        inspect: &mut |_, _, _, _| Ok(()),
    };
    let told = step.tell(sum.loss, true, None);
    match told.and_then(|told| step.finish(sum, told)) {
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
    ranks: &'a dyn Transport,
    started: Instant,
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
///
/// Of several ranks each calls it with its share of the step, and all come to the same outcome and the same weights.
pub(crate) fn train_step<'a>(
    model: &'a mut Decoder,
    optimizer: &'a mut Optimizer,
    data: &'a StepData,
    recipe: &'a StageRecipe,
    place: StepPlace,
    ranks: &'a dyn Transport,
    inspect: &'a mut Inspect<'a>,
) -> Result<StepOutcome, TrainError> {
    let step = Step {
        model,
        optimizer,
        data,
        recipe,
        place,
        ranks,
        started: Instant::now(),
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
    fn whole(mut self) -> Result<StepResult, Halt> {
        let mut sum = StepSum::default();
        let outcome = self.sum_up(&mut sum);
        let told = self.tell(sum.loss, sum.learned, outcome.err())?;
        self.finish(sum, told)
    }

    /// Each micro-batch forward and backward.
    fn sum_up(&mut self, sum: &mut StepSum) -> Result<(), Halt> {
        let mut trunk = LastTrunk::default();
        for (number, batch) in self.data.batches.iter().enumerate() {
            let (recipe, place) = (self.recipe, self.place);
            let number = self.number(number);
            let states = trunk.states(self.model, batch)?;
            add(
                self.model,
                batch,
                recipe,
                place,
                number,
                states.as_ref(),
                sum,
            )?;
        }
        Ok(())
    }

    /// The number of a micro-batch in the whole step: none has another rank's.
    fn number(&self, number: usize) -> u64 {
        ((self.ranks.rank() as u64) << 32) + number as u64
    }

    /// Tells the other ranks what this one did, and hears what they did: a loss that is not finite is one for all.
    fn tell(&mut self, loss: f64, learned: bool, halt: Option<Halt>) -> Result<Vec<Told>, Halt> {
        let not_finite = match halt {
            None => None,
            Some(Halt::NotFinite(what)) => Some(what),
            Some(failed) => return Err(failed),
        };
        let sum = |count: fn(&Batch) -> usize| self.data.batches.iter().map(count).sum();
        let own = Told {
            loss,
            learned,
            tokens: sum(|batch| batch.real_tokens),
            computed_tokens: sum(Batch::computed_tokens),
            recomputed_tokens: self.data.recomputed_tokens,
            micro_batches: self.data.batches.len(),
            seconds: self.started.elapsed().as_secs_f64(),
            not_finite,
        };
        let told = own.exchange(self.ranks)?;
        for (rank, one) in told.iter().enumerate() {
            if let Some(what) = &one.not_finite {
                return Err(Halt::NotFinite(match self.ranks.is_alone() {
                    true => what.clone(),
                    false => format!("{what} on rank {rank}"),
                }));
            }
        }
        Ok(told)
    }

    /// The update of every parameter.
    fn finish(mut self, sum: StepSum, told: Vec<Told>) -> Result<StepResult, Halt> {
        let learned = told.iter().any(|one| one.learned);
        let parameters = self.shared(|_| learned);
        let gradients = self.summed(sum.gradients, &parameters)?;
        let norm = self.squares(&gradients, &parameters)?.sqrt();
        let grad_norm = norm * self.mean();
        let update = self.update(grad_norm);
        self.apply(gradients, &parameters, update)?;
        Ok(StepResult {
            loss: self.loss(&told),
            grad_norm,
            told,
        })
    }

    /// The mean loss of the step's label tokens.
    fn loss(&self, told: &[Told]) -> f64 {
        told.iter().map(|one| one.loss).sum::<f64>() * self.mean()
    }

    /// The trained parameters that ranks exchange together; where there is one rank, nothing is exchanged.
    fn shared(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<TensorShape> {
        if self.ranks.is_alone() {
            return Vec::new();
        }
        let mut parameters = trained(self.model);
        parameters.retain(|parameter| wanted(&parameter.name));
        parameters
    }

    /// The gradients of `parameters` summed over the ranks; of several ranks this one's slices of them.
    fn summed(
        &self,
        mut own: Gradients,
        parameters: &[TensorShape],
    ) -> Result<Gradients, TrainError> {
        match self.ranks.is_alone() {
            true => Ok(own),
            false => reduced(self.ranks, parameters, &mut own, self.model.device()),
        }
    }

    /// The sum of the squares of gradients that are [`summed`](Self::summed).
    fn squares(&mut self, gradients: &Gradients, parameters: &[TensorShape]) -> Result<f64, Halt> {
        let squares = match self.ranks.is_alone() {
            true => gradients.sum_of_squares()?,
            false => sums_of_squares(self.ranks, parameters, gradients)?,
        };
        self.finite(squares)
    }

    /// All micro-batches forward, then back through one layer after the other, each updated as soon as its gradients
    /// are whole.
    fn layer_wise(mut self) -> Result<StepResult, Halt> {
        // The head's gradients (the embedding's, where it is the head) are made with the loss.
        let mut outer = Gradients::default();
        let mut passes = Vec::new();
        let mut loss_sum = 0.0;
        let outcome = self.forward_all(&mut outer, &mut passes, &mut loss_sum);
        let told = self.tell(loss_sum, !passes.is_empty(), outcome.err())?;
        // A rank that has nothing to learn from goes along.
        let learned = told.iter().any(|one| one.learned);
        let layers = match learned {
            true => self.trained_layers(),
            false => Vec::new(),
        };
        let outer_parameters = self.shared(|path| learned && !path.starts_with(LAYERS));
        let of_layer =
            |step: &mut Self, layer| step.shared(|path| path.starts_with(&layer_prefix(layer)));

        let mut squares = 0.0;
        let twice = goes_back_twice(self.recipe);
        if twice {
            let mut again = passes.clone();
            for &layer in &layers {
                let parameters = of_layer(&mut self, layer);
                let gradients = back_one_layer(self.model, &mut again);
                let gradients = self.summed(gradients, &parameters)?;
                squares += self.squares(&gradients, &parameters)?;
            }
            back_to_embedding(self.model, again, &mut outer);
            outer = self.summed(outer, &outer_parameters)?;
            squares += self.squares(&outer, &outer_parameters)?;
        }
        let update = self.update(squares.sqrt() * self.mean());
        for &layer in &layers {
            let parameters = of_layer(&mut self, layer);
            let gradients = back_one_layer(self.model, &mut passes);
            let gradients = self.summed(gradients, &parameters)?;
            if !twice {
                squares += self.squares(&gradients, &parameters)?;
            }
            self.apply(gradients, &parameters, update)?;
        }
        if !twice {
            back_to_embedding(self.model, passes, &mut outer);
            outer = self.summed(outer, &outer_parameters)?;
            squares += self.squares(&outer, &outer_parameters)?;
        }
        self.apply(outer, &outer_parameters, update)?;
        Ok(StepResult {
            loss: self.loss(&told),
            grad_norm: squares.sqrt() * self.mean(),
            told,
        })
    }

    /// Every micro-batch forward, and back through the head.
    fn forward_all(
        &mut self,
        outer: &mut Gradients,
        passes: &mut Vec<Pass>,
        loss_sum: &mut f64,
    ) -> Result<(), Halt> {
        let mut trunk = LastTrunk::default();
        for (number, batch) in self.data.batches.iter().enumerate() {
            let number = self.number(number);
            let (model, place, all) = (&mut *self.model, self.place, Recompute::ALL);
            let states = trunk.states(model, batch)?;
            let Some((mut pass, loss)) =
                forward(model, batch, place, number, all, states.as_ref())?
            else {
                continue;
            };
            *loss_sum += loss;
            pass.backward_segment(self.model, outer);
            passes.push(pass);
        }
        Ok(())
    }

    /// The layers that the backward pass goes through, in its order.
    fn trained_layers(&mut self) -> Vec<usize> {
        let first = self.model.first_trained();
        let layers = self.model.parts().filter_map(|part| match part {
            Part::Layer(layer) if first.is_some_and(|first| first <= part) => Some(layer),
            _ => None,
        });
        let mut layers: Vec<usize> = layers.collect();
        layers.reverse();
        layers
    }

    /// What makes a mean of a sum: a step's loss is the mean over its label tokens, however they fell into
    /// micro-batches.
    fn mean(&self) -> f64 {
        1.0 / self.data.label_tokens.max(1) as f64
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
    fn apply(
        &mut self,
        gradients: Gradients,
        parameters: &[TensorShape],
        update: AdamW,
    ) -> Result<(), TrainError> {
        if !self.ranks.is_alone() {
            let (model, ranks) = (&mut *self.model, self.ranks);
            return self
                .optimizer
                .apply_slices(model, gradients, update, parameters, ranks);
        }
        let (step, mean) = (self.place.step as u64 + 1, self.mean());
        (self.inspect)(self.model, step, &gradients, mean)?;
        self.optimizer.apply(self.model, gradients, update)?;
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
    number: u64,
    states: Option<&Arc<TrunkStates>>,
    sum: &mut StepSum,
) -> Result<(), Halt> {
    let recompute = Recompute::Every(recipe.recompute);
    if let Some((pass, loss)) = forward(model, batch, place, number, recompute, states)? {
        sum.loss += loss;
        sum.learned = true;
        pass.backward(model, &mut sum.gradients);
    }
    Ok(())
}

/// The forward pass of a micro-batch, and its loss; none where it has no targets.
fn forward(
    model: &mut Decoder,
    batch: &Batch,
    place: StepPlace,
    number: u64,
    recompute: Recompute,
    states: Option<&Arc<TrunkStates>>,
) -> Result<Option<(Pass, f64)>, Halt> {
    let StepPlace {
        seed, stage, step, ..
    } = place;
    let random = Random::new(seed, Some(stage), step as u64, Purpose::Dropout);
    let dropout = Dropout::new(random.stream(number));
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

/// What the paths of the layers' parameters begin with.
const LAYERS: &str = "model.layers.";

fn layer_prefix(layer: usize) -> String {
    format!("{LAYERS}{layer}.")
}

/// Takes every micro-batch back through one layer: its gradients.
fn back_one_layer(model: &mut Decoder, passes: &mut [Pass]) -> Gradients {
    let mut layer = Gradients::default();
    for pass in passes {
        pass.backward_segment(model, &mut layer);
    }
    layer
}

/// Adds what reaches the embedding.
fn back_to_embedding(model: &mut Decoder, passes: Vec<Pass>, gradients: &mut Gradients) {
    for pass in passes {
        pass.backward_embedding(model, gradients);
    }
}
