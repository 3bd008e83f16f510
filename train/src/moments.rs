//! The optimizer's moments as they are held between updates.

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use glpft_model::ModelError;
use glpft_model::quantized::{Code, Held, Quantization, quantize};
use glpft_recipes::Moments as HeldAs;

use crate::error::TrainError;
use crate::ranks::host;

/// The means of a parameter's gradient and of its square, flat.
pub(crate) struct Moments {
    first: Numbers,
    second: Numbers,
}

/// Numbers of a moment.
enum Numbers {
    Tensor(Tensor<1>),
    /// Codes and their scales, in the host's memory.
    Blocks {
        quantization: Quantization,
        count: usize,
        codes: Vec<u8>,
        scales: Vec<f32>,
        device: Device,
    },
}

impl Moments {
    /// Holds what an update leaves.
    ///
    /// # Errors
    /// The device cannot be read, or has no such numbers.
    pub fn hold(first: Tensor<1>, second: Tensor<1>, held_as: HeldAs) -> Result<Self, TrainError> {
        Ok(Self {
            first: Numbers::hold(first, held_as, Code::Dynamic)?,
            second: Numbers::hold(second, held_as, Code::UnsignedDynamic)?,
        })
    }

    /// The first (else second) moment, as numbers of `dtype`.
    pub fn get(&self, first: bool, dtype: FloatDType) -> Tensor<1> {
        let numbers = if first { &self.first } else { &self.second };
        numbers.whole(dtype)
    }
}

impl Numbers {
    fn hold(numbers: Tensor<1>, held_as: HeldAs, code: Code) -> Result<Self, TrainError> {
        Ok(match held_as {
            HeldAs::F32 => Self::Tensor(numbers),
            HeldAs::Bf16 if !numbers.device().supports_dtype(DType::BF16) => {
                return Err(ModelError::NoMoments { held_as }.into());
            }
            HeldAs::Bf16 => Self::Tensor(numbers.cast(FloatDType::BF16)),
            HeldAs::Int8 => {
                let (count, device) = (numbers.dims()[0], numbers.device());
                let quantization = Quantization {
                    code,
                    double: false,
                };
                let quantized = quantize(quantization, &host(numbers)?);
                Self::Blocks {
                    quantization,
                    count,
                    codes: quantized.codes,
                    scales: quantized.scales,
                    device,
                }
            }
        })
    }

    fn whole(&self, dtype: FloatDType) -> Tensor<1> {
        let Self::Blocks {
            quantization,
            count,
            codes,
            scales,
            device,
        } = self
        else {
            let Self::Tensor(numbers) = self else {
                unreachable!("there are two kinds");
            };
            return numbers.clone().cast(dtype);
        };
        let held = Held {
            quantization: *quantization,
            numbers: *count,
            codes,
            scales,
        };
        let data = TensorData::new(held.whole(), [*count]);
        Tensor::from_data(data, (device, dtype.into()))
    }
}
