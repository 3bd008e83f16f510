//! A device's tensors as files take them.

use std::borrow::Cow;
use std::error::Error;
use std::ops::Range;

use burn::tensor::Tensor;
use glpft_checkpoints::TensorValues;
use glpft_model::ModelError;

/// The values of a flat tensor, read from its device a part at a time.
pub struct DeviceValues {
    tensor: Option<Tensor<1>>,
    count: usize,
}

impl DeviceValues {
    /// Those of a tensor, which is shared and not copied.
    pub fn of(tensor: Tensor<1>) -> Self {
        let count = tensor.shape().num_elements();
        let tensor = Some(tensor);
        Self { tensor, count }
    }

    /// So many zeros.
    pub fn zeros(count: usize) -> Self {
        let tensor = None;
        Self { tensor, count }
    }
}

impl TensorValues for DeviceValues {
    fn count(&self) -> usize {
        self.count
    }

    fn part(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, Box<dyn Error + Send + Sync>> {
        let Some(tensor) = &self.tensor else {
            return Ok(vec![0.0; range.len()].into());
        };
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let part = tensor.clone().slice([range]).try_into_data();
        let part = part.map_err(|error| failed(&error))?.convert::<f32>();
        let part = part.try_into_vec::<f32>().map_err(|error| failed(&error))?;
        Ok(part.into())
    }
}

/// The elements of a tensor on the host.
pub(crate) fn numbers(tensor: Tensor<1>) -> Result<Vec<f64>, ModelError> {
    let read = |error: &dyn std::fmt::Display| ModelError::Read(error.to_string());
    let data = tensor.try_into_data().map_err(|error| read(&error))?;
    Ok(data.iter::<f64>().collect())
}
