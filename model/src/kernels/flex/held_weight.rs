//! Weights in full, of what is held of them.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, FloatDType};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::real::{Real, contiguous, elements, tensor};
use crate::kernels::HeldAs;
use crate::quantized::{BLOCK, Held};

/// Numbers that a task reads: whole blocks.
const TASK: usize = 256 * BLOCK;

/// See [`crate::kernels::DecoderOps::whole_weight`].
pub fn whole<R: Real>(weight: FlexTensor, codes: FlexTensor, held_as: HeldAs) -> FlexTensor {
    let HeldAs::Blocks {
        quantization,
        outputs,
        inputs,
    } = held_as
    else {
        return match weight.dtype() == R::dtype() {
            true => weight,
            false => Flex::float_cast(weight, FloatDType::from(R::dtype())),
        };
    };
    let [scales, codes] = [weight, codes].map(contiguous);
    let (start, end) = codes.layout().contiguous_offsets().unwrap_or_default();
    let scales: Vec<f32> = match scales.dtype() {
        DType::F64 => elements::<f64>(&scales)
            .iter()
            .map(|&one| one as f32)
            .collect(),
        _ => elements::<f32>(&scales).to_vec(),
    };
    let held = Held {
        quantization,
        numbers: outputs * inputs,
        codes: bytemuck::cast_slice(&codes.storage::<i32>()[start..end]),
        scales: &scales,
    };
    let mut whole = vec![R::zero(); held.numbers];
    whole.par_chunks_mut(TASK).enumerate().for_each_init(
        || vec![0.0; TASK],
        |buffer, (task, whole)| {
            let range = task * TASK..task * TASK + whole.len();
            let buffer = &mut buffer[..whole.len()];
            held.read(range, buffer);
            for (whole, &number) in whole.iter_mut().zip(&*buffer) {
                *whole = R::of(number.into());
            }
        },
    );
    tensor(whole, [outputs, inputs])
}
