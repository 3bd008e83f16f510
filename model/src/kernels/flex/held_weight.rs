//! Weights in full, of what is held of them.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, FloatDType};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::real::{Real, contiguous, elements, tensor, vectorized};
use crate::kernels::HeldAs;
use crate::quantized::{BLOCK, Held};

/// Numbers that a task reads: whole blocks.
const TASK: usize = 256 * BLOCK;

/// A matrix of any floating-point type as one of `R`.
fn matrix<R: Real>(weight: FlexTensor) -> FlexTensor {
    match weight.dtype() {
        dtype if dtype == R::dtype() => weight,
        DType::BF16 => {
            let weight = contiguous(weight);
            let (start, end) = weight.layout().contiguous_offsets().unwrap_or_default();
            let bits: &[u16] = &bytemuck::cast_slice(weight.bytes())[start..end];
            let mut whole = vec![R::zero(); bits.len()];
            whole
                .par_chunks_mut(TASK)
                .zip(bits.par_chunks(TASK))
                .for_each(|(whole, bits)| {
                    vectorized(|| {
                        for (whole, &bits) in whole.iter_mut().zip(bits) {
                            *whole = R::of(f32::from_bits(u32::from(bits) << 16).into());
                        }
                    });
                });
            tensor(whole, weight.layout().shape().clone())
        }
        _ => Flex::float_cast(weight, FloatDType::from(R::dtype())),
    }
}

/// See [`crate::kernels::DecoderOps::whole_weight`].
pub fn whole<R: Real>(weight: FlexTensor, codes: FlexTensor, held_as: HeldAs) -> FlexTensor {
    let HeldAs::Blocks {
        quantization,
        outputs,
        inputs,
    } = held_as
    else {
        return matrix::<R>(weight);
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
