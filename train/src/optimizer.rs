//! AdamW (arXiv 1711.05101), its state keyed by parameter path.

use std::collections::BTreeMap;

use burn::tensor::{FloatDType, Tensor, TensorData};
use glpft_checkpoints::TensorShape;
use glpft_model::kernels::{AdamW, adamw};
use glpft_model::{Decoder, Parameter, ParameterVisitor};
use glpft_recipes::{Moments as HeldAs, StageRecipe};

use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::moments::Moments;
use crate::ranks::{Transport, host, slice, spread};

/// The optimizer of one stage.
#[derive(Default)]
pub struct Optimizer {
    /// Updates done.
    updates: u64,
    moments: BTreeMap<String, Moments>,
    held_as: HeldAs,
}

impl Optimizer {
    /// An optimizer before its first update, whose moments are held so.
    pub fn new(held_as: HeldAs) -> Self {
        Self {
            held_as,
            ..Self::default()
        }
    }

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
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn apply(
        &mut self,
        model: &mut Decoder,
        gradients: Gradients,
        settings: AdamW,
    ) -> Result<(), TrainError> {
        let mut update = Update {
            optimizer: self,
            gradients,
            settings,
            failed: None,
        };
        model.visit_all(&mut update);
        update.failed.map_or(Ok(()), Err)
    }

    /// A parameter's moments, no longer the optimizer's: zeros like the gradient before the first update.
    fn take(&mut self, path: &str, gradient: &Tensor<1>) -> [Tensor<1>; 2] {
        let dtype = FloatDType::from(gradient.dtype());
        match self.moments.remove(path) {
            Some(moments) => [true, false].map(|first| moments.get(first, dtype)),
            None => [gradient, gradient].map(Tensor::zeros_like),
        }
    }

    /// Keeps a parameter's moments until the next update.
    fn keep(&mut self, path: &str, [first, second]: [Tensor<1>; 2]) -> Result<(), TrainError> {
        let moments = Moments::hold(first, second, self.held_as)?;
        self.moments.insert(path.to_owned(), moments);
        Ok(())
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
            failed: None,
        };
        model.visit_all(&mut update);
        if let Some(error) = update.failed {
            return Err(error);
        }
        let mut own = BTreeMap::new();
        for (path, values) in update.updated {
            own.insert(path, host(values)?);
        }
        // One parameter at a time, so that there is never a second copy of all.
        spread(ranks, parameters, &own, &mut |path, values| {
            model.visit_all(&mut Whole(path, Some(values)));
        })
    }

    /// The first (else second) moment of the parameter at `path`, flat, in single precision; nothing before its first update. Of
    /// several ranks this one's slice of it.
    pub(crate) fn moment(&self, path: &str, first: bool) -> Option<Tensor<1>> {
        let moments = self.moments.get(path)?;
        Some(moments.get(first, FloatDType::F32))
    }

    /// The state after `updates` updates; `read` gives a parameter's moments, row-major. Of several ranks this one keeps its
    /// slices.
    pub(crate) fn restore<E: From<TrainError>>(
        model: &mut Decoder,
        updates: u64,
        held_as: HeldAs,
        parameters: &[TensorShape],
        ranks: &dyn Transport,
        mut read: impl FnMut(&TensorShape) -> Result<[Vec<f32>; 2], E>,
    ) -> Result<Self, E> {
        let mut optimizer = Self {
            updates,
            ..Self::new(held_as)
        };
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
            optimizer.keep(&parameter.name, [first, second])?;
        }
        Ok(optimizer)
    }
}

struct Update<'a> {
    optimizer: &'a mut Optimizer,
    gradients: Gradients,
    settings: AdamW,
    failed: Option<TrainError>,
}

impl ParameterVisitor for Update<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let Some(gradient) = self.gradients.take(path) else {
            return;
        };
        let [first, second] = self.optimizer.take(path, &gradient);
        let mut settings = self.settings;
        if D == 1 {
            settings.weight_decay = 0.0;
        }
        let (optimizer, failed) = (&mut self.optimizer, &mut self.failed);
        parameter.update(|value| {
            let shape = value.shape();
            let flat = value.reshape([shape.num_elements()]);
            let (flat, first, second) = adamw(flat, gradient, first, second, settings);
            if let Err(error) = optimizer.keep(path, [first, second]) {
                failed.get_or_insert(error);
            }
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
    failed: Option<TrainError>,
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
        let [first, second] = self.optimizer.take(path, &gradient);
        let mut settings = self.settings;
        if D == 1 {
            settings.weight_decay = 0.0;
        }
        let (value, first, second) = adamw(value, gradient, first, second, settings);
        if let Err(error) = self.optimizer.keep(path, [first, second]) {
            self.failed.get_or_insert(error);
        }
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
