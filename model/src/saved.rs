//! Adapters of files, put on a model.

use burn::tensor::{Tensor, TensorData};
use glpft_checkpoints::{
    AdaptedKind, AdaptedModule, Adapter as SavedAdapter, AdapterError, TensorShape,
};

use crate::decoder::Decoder;
use crate::error::ModelError;
use crate::parameter::{Parameter, ParameterVisitor, tensor};
use crate::part::EMBEDDING;
use crate::weight::Weight;

/// The head's path, where it has weights of its own.
const HEAD: &str = "lm_head.weight";

impl Decoder {
    /// Puts the adapter of an adapter directory on the model.
    ///
    /// Projections get adapters, as in training. What it has for the embedding and the head goes into their weights, and
    /// so does what it stores whole; where the head is the embedding, and only one of the two changes, it no longer is.
    ///
    /// # Errors
    /// The adapter cannot be read or belongs to another model.
    pub fn attach_saved<E>(&mut self, adapter: &SavedAdapter) -> Result<(), E>
    where
        E: From<ModelError> + From<AdapterError>,
    {
        let modules = adapter.config().modules(&self.config)?;
        for replaced in adapter.replaced(&self.config) {
            let outer = [EMBEDDING, HEAD].contains(&&*replaced.parameter);
            if outer && !replaced.stays_tied {
                self.untie();
            }
            let values = adapter.read_f32(&replaced.tensor.name, &replaced.tensor.shape)?;
            self.replace(&replaced.parameter, values);
        }
        let dropout = adapter.config().dropout;
        self.attach_projections(&modules, dropout, &mut |tensor: &TensorShape| {
            let name = format!("base_model.model.{}", tensor.name);
            Ok::<_, E>(adapter.read_f32(&name, &tensor.shape)?)
        })?;
        for module in &modules {
            let read = |shape: &TensorShape| -> Result<Tensor<2>, E> {
                let values = adapter.read_f32(&shape.name, &shape.shape)?;
                Ok(tensor(values, &shape.shape, self.device(), self.dtype()))
            };
            if matches!(module.kind, AdaptedKind::Projection(_)) {
                continue;
            }
            let [a, b] = module.tensors();
            let (a, b) = (read(&a)?, read(&b)?);
            self.fold(module, a, b);
        }
        Ok(())
    }

    /// Adds an adapter on the embedding or the head to the weights: `a` is `[rank, inputs]`, `b` `[outputs, rank]`.
    fn fold(&mut self, module: &AdaptedModule, a: Tensor<2>, b: Tensor<2>) {
        self.untie();
        let delta = b.matmul(a) * module.scale;
        let (weight, delta) = match (module.kind, &mut self.lm_head) {
            (AdaptedKind::Head, Some(head)) => (head, delta),
            // The embedding has tokens for inputs, and a row for each.
            _ => (&mut self.embed_tokens, delta.transpose()),
        };
        weight.set(weight.value().inner() + delta);
    }

    /// Gives the head weights of its own, if it is the embedding.
    fn untie(&mut self) {
        if self.config.tied {
            self.lm_head = Some(self.embed_tokens.clone());
            self.config.tied = false;
        }
    }

    /// Replaces a weight that is held in fewer bits by one of these values, in full.
    fn replace_frozen(&mut self, path: &str, values: Vec<f32>) {
        let (device, dtype) = (self.device().clone(), self.dtype());
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let projections = self.config.projections_of(number);
            for (projection, linear) in projections.iter().zip(layer.projections()) {
                if path.strip_suffix(".weight") == Some(projection.path.as_str()) {
                    let shape = [projection.outputs, projection.inputs];
                    let weight = tensor(values, &shape, &device, dtype);
                    linear.weight = Weight::Own(Parameter::new(weight));
                    return;
                }
            }
        }
    }

    /// Replaces the values of the parameter at `path`.
    fn replace(&mut self, path: &str, values: Vec<f32>) {
        struct Replace<'a> {
            path: &'a str,
            values: Option<Vec<f32>>,
        }
        impl ParameterVisitor for Replace<'_> {
            fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
                if path == self.path
                    && let Some(values) = self.values.take()
                {
                    let value = parameter.value().inner();
                    let data = TensorData::new(values, value.shape());
                    parameter.set(Tensor::from_data(data, (&value.device(), value.dtype())));
                }
            }
        }
        let values = Some(values);
        let mut replace = Replace { path, values };
        self.visit_all(&mut replace);
        if let Some(values) = replace.values {
            self.replace_frozen(path, values);
        }
    }
}
