//! A projection's weight: trained, or frozen and held in fewer bits.

use burn::tensor::{DType, FloatDType, Int, Tensor, TensorData};
use glpft_checkpoints::TensorShape;
use glpft_recipes::{FrozenWeights, WeightType};

use crate::error::ModelError;
use crate::kernels::HeldWeight;
use crate::parameter::{Builder, Parameter, tensor};
use crate::quantized::{Code, Quantization, quantize};

/// The weight of a projection, `[out, in]`.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a model has some hundred of them, whose tensors are elsewhere"
)]
pub enum Weight {
    /// In the model's own type; it can be trained.
    Own(Parameter<2>),
    /// In another one; it stays as it is.
    Frozen(HeldWeight),
}

impl Weight {
    /// As products read it.
    pub(crate) fn held(&self) -> HeldWeight {
        match self {
            Weight::Own(parameter) => parameter.value().into(),
            Weight::Frozen(weight) => weight.clone(),
        }
    }
}

/// The codes that weights are held in, where they are.
pub fn quantization(frozen: FrozenWeights) -> Option<Quantization> {
    let code = match frozen.held_as {
        WeightType::F32 | WeightType::Bf16 => return None,
        WeightType::Int8 => Code::Int8,
        WeightType::Nf4 => Code::Nf4,
    };
    Some(Quantization {
        code,
        double: frozen.double_quantization,
    })
}

/// Bytes of a weight of so many numbers.
pub fn weight_bytes(frozen: FrozenWeights, numbers: usize) -> u64 {
    match (frozen.held_as, quantization(frozen)) {
        (_, Some(quantization)) => quantization.bytes(numbers),
        (WeightType::Bf16, None) => 2 * numbers as u64,
        (_, None) => 4 * numbers as u64,
    }
}

impl<E: From<ModelError>> Builder<'_, E> {
    /// The weight of that name and shape, `[out, in]`, held as the builder is told.
    pub fn weight(&mut self, name: String, shape: [usize; 2]) -> Result<Weight, E> {
        let held_as = self.frozen.held_as;
        if held_as == WeightType::F32 {
            return Ok(Weight::Own(self.parameter(name, shape)?));
        }
        let shape = TensorShape::new(name, shape);
        let values = self.values(&shape)?;
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(E::from(ModelError::NotFinite {
                name: shape.name,
                place,
                held_as,
            }));
        }
        let size = [shape.shape[0], shape.shape[1]];
        let held = match quantization(self.frozen) {
            None => {
                if !self.device.supports_dtype(DType::BF16) {
                    return Err(E::from(ModelError::NoWeights { held_as }));
                }
                let matrix: Tensor<2> = tensor(values, &size, &self.device, FloatDType::BF16);
                matrix.into()
            }
            Some(quantization) => {
                let quantized = quantize(quantization, &values);
                drop(values);
                let words = quantized.codes.chunks_exact(4);
                let words: Vec<i32> = words
                    .map(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                    .collect();
                let length = [words.len()];
                let codes: Tensor<1, Int> =
                    Tensor::from_data(TensorData::new(words, length), (&self.device, DType::I32));
                let length = [1, quantized.scales.len()];
                let scales = tensor(quantized.scales, &length, &self.device, FloatDType::F32);
                HeldWeight::blocks(scales, codes, quantization, size)
            }
        };
        Ok(Weight::Frozen(held))
    }
}
