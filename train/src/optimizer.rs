//! AdamW (arXiv 1711.05101), its state keyed by parameter path.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use glpft_checkpoints::TensorShape;
use glpft_model::kernels::{AdamW, adamw};
use glpft_model::{Decoder, Parameter, ParameterVisitor};
use glpft_recipes::StageRecipe;

use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::ranks::{Transport, host, slice, spread};

/// The optimizer of one stage.
#[derive(Default)]
pub struct Optimizer {
    /// Updates done.
    updates: u64,
    moments: BTreeMap<String, Moments>,
}

/// StageLoop means of the gradient and of its square, flat.
struct Moments {
    first: Tensor<1>,
    second: Tensor<1>,
}

impl Optimizer {
    /// Counts an update and gives its settings; gradients will be multiplied with `grad_scale` first.
    pub fn next(&mut self, recipe: &StageRecipe, lr: f64, grad_scale: f64) -> AdamW {
        self.updates += 1;
        AdamW {
            lr,
            beta1: recipe.beta1,
            beta2: recipe.beta2,
            epsilon: recipe.epsilon,
            weight_decay: recipe.weight_decay,
            grad_scale,
            step: self.updates,
        }
    }

    /// Updates the parameters that `gradients` are of. Norms and biases are not decayed.
    pub fn apply(&mut self, model: &mut Decoder, gradients: Gradients, settings: AdamW) {
        model.visit_all(&mut Update {
            optimizer: self,
            gradients,
            settings,
        });
    }

    /// Updates `parameters`, of whose gradients this rank has its slices: its own slices here, which the ranks then exchange.
    pub(crate) fn apply_slices(
        &mut self,
        model: &mut Decoder,
        gradients: Gradients,
        settings: AdamW,
        parameters: &[TensorShape],
        ranks: &dyn Transport,
    ) -> Result<(), TrainError> {
        let mut update = UpdateSlices {
            optimizer: self,
            gradients,
            settings,
            ranks,
            updated: BTreeMap::new(),
        };
        model.visit_all(&mut update);
        let mut own = BTreeMap::new();
        for (path, values) in update.updated {
            own.insert(path, host(values)?);
        }
        // One parameter at a time, so that there is never a second copy of all.
        spread(ranks, parameters, &own, &mut |path, values| {
            model.visit_all(&mut Whole(path, Some(values)));
        })
    }

    /// The first (else second) moment of the parameter at `path`, flat; zeros before its first update. Of several ranks this
    /// one's slice of it.
    pub(crate) fn moment(&self, path: &str, first: bool) -> Option<&Tensor<1>> {
        let moments = self.moments.get(path)?;
        Some(if first {
            &moments.first
        } else {
            &moments.second
        })
    }

    /// The state after `updates` updates; `read` gives a parameter's moments, row-major. Of several ranks this one keeps its
    /// slices.
    pub(crate) fn restore<E>(
        model: &mut Decoder,
        updates: u64,
        parameters: &[TensorShape],
        ranks: &dyn Transport,
        mut read: impl FnMut(&TensorShape) -> Result<[Vec<f32>; 2], E>,
    ) -> Result<Self, E> {
        let mut moments = BTreeMap::new();
        for parameter in parameters {
            let own = slice(parameter.elements() as usize, ranks.size(), ranks.rank());
            if own.is_empty() {
                continue;
            }
            let [first, second] = read(parameter)?.map(|mut values| {
                values.truncate(own.end);
                values.drain(..own.start);
                let length = [values.len()];
                let options = (model.device(), model.dtype().into());
                Tensor::from_data(TensorData::new(values, length), options)
            });
            moments.insert(parameter.name.clone(), Moments { first, second });
        }
        Ok(Self { updates, moments })
    }
}

struct Update<'a> {
    optimizer: &'a mut Optimizer,
    gradients: Gradients,
    settings: AdamW,
}

impl ParameterVisitor for Update<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let Some(gradient) = self.gradients.take(path) else {
            return;
        };
        let moments = self
            .optimizer
            .moments
            .remove(path)
            .unwrap_or_else(|| Moments {
                first: Tensor::zeros_like(&gradient),
                second: Tensor::zeros_like(&gradient),
            });
        let mut settings = self.settings;
        if D == 1 {
            settings.weight_decay = 0.0;
        }
        let kept = &mut self.optimizer.moments;
        parameter.update(|value| {
            let shape = value.shape();
            let flat = value.reshape([shape.num_elements()]);
            let (flat, first, second) =
                adamw(flat, gradient, moments.first, moments.second, settings);
            kept.insert(path.to_owned(), Moments { first, second });
            flat.reshape(shape)
        });
    }
}

/// The update of this rank's slices.
struct UpdateSlices<'a> {
    optimizer: &'a mut Optimizer,
    gradients: Gradients,
    settings: AdamW,
    ranks: &'a dyn Transport,
    updated: BTreeMap<String, Tensor<1>>,
}

impl ParameterVisitor for UpdateSlices<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let Some(gradient) = self.gradients.take(path) else {
            return;
        };
        let value = parameter.value().inner();
        let elements = value.shape().num_elements();
        let own = slice(elements, self.ranks.size(), self.ranks.rank());
        let value = value.reshape([elements]).slice([own]);
        let moments = self.optimizer.moments.remove(path);
        let moments = moments.unwrap_or_else(|| Moments {
            first: Tensor::zeros_like(&gradient),
            second: Tensor::zeros_like(&gradient),
        });
        let mut settings = self.settings;
        if D == 1 {
            settings.weight_decay = 0.0;
        }
        let (value, first, second) =
            adamw(value, gradient, moments.first, moments.second, settings);
        let kept = &mut self.optimizer.moments;
        kept.insert(path.to_owned(), Moments { first, second });
        self.updated.insert(path.to_owned(), value);
    }
}

/// The whole values of the parameter at a path.
struct Whole<'a>(&'a str, Option<Vec<f32>>);

impl ParameterVisitor for Whole<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        if path == self.0
            && let Some(values) = self.1.take()
        {
            let value = parameter.value().inner();
            let data = TensorData::new(values, value.shape());
            parameter.set(Tensor::from_data(data, (&value.device(), value.dtype())));
        }
    }
}
