//! A model's parameters, and the walk over them by Hugging Face name.

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use glpft_checkpoints::TensorShape;
use glpft_recipes::FrozenWeights;

use crate::error::ModelError;

/// A tensor that belongs to the model.
///
/// A parameter is known by its path alone: gradients, optimizer state and files are keyed by it, so that state that
/// was saved always meets the parameter it was saved for.
#[derive(Clone, Debug)]
pub struct Parameter<const D: usize> {
    value: Tensor<D>,
}

impl<const D: usize> Parameter<D> {
    /// A frozen parameter.
    pub fn new(value: Tensor<D>) -> Self {
        Self {
            value: value.inner(),
        }
    }

    /// The value, part of the graph if the parameter is trained.
    pub fn value(&self) -> Tensor<D> {
        self.value.clone()
    }

    /// Whether gradients are made for it.
    pub fn is_trained(&self) -> bool {
        self.value.is_require_grad()
    }

    /// Trains or freezes it. A frozen parameter is no part of any graph: nothing is recorded for its sake.
    pub fn set_trained(&mut self, trained: bool) {
        let value = self.value.clone().inner();
        self.value = if trained {
            value.autodiff().require_grad()
        } else {
            value
        };
    }

    /// Changes the value, which `change` gets as its only owner (outside any graph), so that it can work in place;
    /// whether it is trained stays.
    pub fn update(&mut self, change: impl FnOnce(Tensor<D>) -> Tensor<D>) {
        let trained = self.is_trained();
        let nothing = Tensor::empty([0; D], &self.value.device());
        let value = std::mem::replace(&mut self.value, nothing).inner();
        self.value = change(value);
        self.set_trained(trained);
    }

    /// Replaces the value; whether it is trained stays.
    pub fn set(&mut self, value: Tensor<D>) {
        let trained = self.is_trained();
        self.value = value;
        self.set_trained(trained);
    }
}

/// Something done to each parameter in turn.
pub trait ParameterVisitor {
    /// Called with each parameter's path, such as `model.layers.0.mlp.up_proj.weight`.
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>);
}

/// Something that holds parameters.
pub trait Parameters {
    /// Visits every parameter, in an order that depends on the model's configuration alone; `path` is the holder's.
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor);
}

/// Where a model's initial values come from: called with a name and a shape, gives the elements in row-major order.
pub type WeightSource<'a, E> = dyn FnMut(&TensorShape) -> Result<Vec<f32>, E> + 'a;

/// Makes parameters from a [`WeightSource`].
pub(crate) struct Builder<'a, E> {
    pub device: Device,
    pub dtype: FloatDType,
    /// How weights of projections are held.
    pub frozen: FrozenWeights,
    pub source: &'a mut WeightSource<'a, E>,
}

impl<E: From<ModelError>> Builder<'_, E> {
    /// The parameter of that name and shape.
    pub fn parameter<const D: usize>(
        &mut self,
        name: String,
        shape: [usize; D],
    ) -> Result<Parameter<D>, E> {
        let shape = TensorShape::new(name, shape);
        let values = self.values(&shape)?;
        Ok(Parameter::new(tensor(
            values,
            &shape.shape,
            &self.device,
            self.dtype,
        )))
    }

    /// The source's elements of a tensor.
    pub fn values(&mut self, shape: &TensorShape) -> Result<Vec<f32>, E> {
        let values = (self.source)(shape)?;
        let expected = shape.shape.iter().product();
        if values.len() != expected {
            return Err(E::from(ModelError::WrongSize {
                name: shape.name.clone(),
                expected,
                found: values.len(),
            }));
        }
        Ok(values)
    }
}

/// A tensor of these elements.
pub(crate) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: &[usize],
    device: &Device,
    dtype: FloatDType,
) -> Tensor<D> {
    let data = TensorData::new(values, shape.to_vec());
    Tensor::from_data(data, (device, dtype.into()))
}
