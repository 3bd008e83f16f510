//! Gradients by parameter path, summed over micro-batches.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Gradients as Graph, IndexingUpdateOp, Int, Tensor};
use glpft_checkpoints::{FloatType, write_safetensors};
use glpft_model::kernels::sum_of_squares;
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor};

use crate::error::TrainError;
use crate::trained::{ADAPTER_PREFIX, named, trained};
use crate::values::{DeviceValues, numbers};

/// The gradients of the trained parameters, each flat.
#[derive(Default)]
pub struct Gradients {
    of: BTreeMap<String, Tensor<1>>,
}

impl Gradients {
    /// Adds those of one backward pass.
    pub fn add(&mut self, model: &mut Decoder, graph: Graph) {
        model.visit_all(&mut Add {
            sums: &mut self.of,
            graph,
        });
    }

    /// Adds `rows`, `[indices, width]`, to the rows at `indices` of the gradient of a matrix of that shape.
    pub(crate) fn add_rows(
        &mut self,
        path: &str,
        shape: [usize; 2],
        indices: Tensor<1, Int>,
        rows: Tensor<2>,
    ) {
        let sum = match self.of.remove(path) {
            Some(sum) => sum.reshape(shape),
            None => Tensor::zeros(shape, (&rows.device(), rows.dtype())),
        };
        let sum = sum.select_assign(0, indices, rows, IndexingUpdateOp::Add);
        self.of
            .insert(path.to_owned(), sum.reshape([shape[0] * shape[1]]));
    }

    /// Takes those of `other` in, which are of other parameters.
    pub fn extend(&mut self, other: &Gradients) {
        let others = other.of.iter();
        self.of
            .extend(others.map(|(path, gradient)| (path.clone(), gradient.clone())));
    }

    /// Whether every trained parameter has one.
    pub fn is_complete(&self, model: &mut Decoder) -> bool {
        let parameters = trained(model);
        parameters
            .iter()
            .all(|parameter| self.of.contains_key(&parameter.name))
    }

    /// Puts a gradient in the place of that of the parameter at `path`.
    pub(crate) fn insert(&mut self, path: String, gradient: Tensor<1>) {
        self.of.insert(path, gradient);
    }

    /// Takes the gradient of the parameter at `path`, flat.
    pub fn take(&mut self, path: &str) -> Option<Tensor<1>> {
        self.of.remove(path)
    }

    /// The gradient of the parameter at `path`, flat.
    pub fn get(&self, path: &str) -> Option<&Tensor<1>> {
        self.of.get(path)
    }

    /// Writes them, multiplied with `scale`, as safetensors under the parameters' names in files (PEFT's for adapters).
    ///
    /// # Errors
    /// The device cannot be read or the file not be written.
    pub fn write(&self, model: &mut Decoder, scale: f64, path: &Path) -> Result<(), TrainError> {
        let parameters = trained(model);
        let (_, tensors) = named(&parameters);
        write_safetensors(path, &tensors, FloatType::F32, &mut |name| {
            let path = name.strip_prefix(ADAPTER_PREFIX).unwrap_or(name);
            let gradient = self.of.get(path).map(|gradient| gradient.clone() * scale);
            let absent = || ModelError::Read(format!("{path} has no gradient"));
            gradient.map(DeviceValues::of).ok_or_else(absent)
        })?;
        Ok(())
    }

    /// The sum of the squares of all elements, or the parameters whose gradients are not finite: that sum is not.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn sum_of_squares(&self) -> Result<Result<f64, Vec<String>>, ModelError> {
        let squares = self.squares()?;
        let broken: Vec<String> = squares
            .iter()
            .filter(|(_, square)| !square.is_finite())
            .map(|(path, _)| path.clone())
            .collect();
        Ok(match broken.is_empty() {
            false => Err(broken),
            true => Ok(squares.values().sum()),
        })
    }

    /// The sum of the squares of each gradient's elements, by the parameter's path.
    ///
    /// # Errors
    /// The device cannot be read.
    pub(crate) fn squares(&self) -> Result<BTreeMap<String, f64>, ModelError> {
        if self.of.is_empty() {
            return Ok(BTreeMap::new());
        }
        let squares = self
            .of
            .values()
            .map(|gradient| sum_of_squares(gradient.clone()))
            .collect();
        let squares = numbers(Tensor::cat(squares, 0))?;
        Ok(self.of.keys().cloned().zip(squares).collect())
    }
}

struct Add<'a> {
    sums: &'a mut BTreeMap<String, Tensor<1>>,
    graph: Graph,
}

impl ParameterVisitor for Add<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        if !parameter.is_trained() {
            return;
        }
        let value = parameter.value();
        let Some(gradient) = value.grad_remove(&mut self.graph) else {
            return;
        };
        let gradient = gradient.reshape([value.shape().num_elements()]);
        let sum = match self.sums.remove(path) {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.sums.insert(path.to_owned(), sum);
    }
}
