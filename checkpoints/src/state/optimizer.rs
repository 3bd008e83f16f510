//! The optimizer's tensors of a checkpoint.

use std::error::Error;
use std::path::Path;

use super::StateError;
use crate::{FloatType, SafetensorsFile, TensorShape, TensorValues, write_safetensors};

/// The file with the optimizer's tensors.
pub const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// What follows a parameter's path in the name of its gradients' running mean.
pub const FIRST_MOMENT: &str = "exp_avg";
/// What follows a parameter's path in the name of its squared gradients' running mean.
pub const SECOND_MOMENT: &str = "exp_avg_sq";

/// The optimizer's tensors for `parameters` (path and shape of each trained one): two of the
/// same shape for each, `<path>.exp_avg` and `<path>.exp_avg_sq`.
pub fn optimizer_tensors(parameters: &[TensorShape]) -> Vec<TensorShape> {
    let moments = parameters.iter().flat_map(|parameter| {
        [FIRST_MOMENT, SECOND_MOMENT].map(|moment| {
            let name = format!("{}.{moment}", parameter.name);
            TensorShape::new(name, parameter.shape.clone())
        })
    });
    moments.collect()
}

/// Writes `optimizer.safetensors` into the folder `directory`, as f32. `read` gives the
/// values of each of [`optimizer_tensors`], as for [`write_safetensors`].
pub fn write_optimizer<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
    directory: &Path,
    parameters: &[TensorShape],
    read: &mut dyn FnMut(&str) -> Result<V, E>,
) -> Result<(), StateError> {
    let path = directory.join(OPTIMIZER_FILE);
    let tensors = optimizer_tensors(parameters);
    Ok(write_safetensors(&path, &tensors, FloatType::F32, read)?)
}

/// Opens `optimizer.safetensors` of the folder `directory` and checks that it belongs to
/// `parameters`.
pub fn open_optimizer(
    directory: &Path,
    parameters: &[TensorShape],
) -> Result<SafetensorsFile, StateError> {
    let file = SafetensorsFile::open(&directory.join(OPTIMIZER_FILE))?;
    file.check(&optimizer_tensors(parameters))?;
    Ok(file)
}
