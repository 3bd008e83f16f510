//! Root mean square normalization.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::real::{Real, contiguous, elements, sum, tensor, vectorized};

/// Rows of one task. Fixed, so that sums over rows do not depend on the number of threads.
const ROWS: usize = 128;

#[inline(always)]
fn inverse_rms<R: Real>(row: &[R], epsilon: R) -> R {
    let squares = sum(row.len(), |i| row[i] * row[i]);
    (squares / R::of(row.len() as f64) + epsilon).sqrt().recip()
}

/// See [`crate::kernels::rms_norm`].
pub fn forward<R: Real>(x: FlexTensor, weight: FlexTensor, epsilon: f64) -> FlexTensor {
    let (x, weight) = (contiguous(x), contiguous(weight));
    let shape = x.layout().shape().clone();
    let (x, weight) = (elements::<R>(&x), elements::<R>(&weight));
    let width = weight.len();
    let epsilon = R::of(epsilon);
    let mut output = vec![R::zero(); x.len()];
    let blocks = output
        .par_chunks_mut(ROWS * width)
        .zip(x.par_chunks(ROWS * width));
    blocks.for_each(|(output, x)| {
        vectorized(
            #[inline(always)]
            || {
                for (output, x) in output.chunks_mut(width).zip(x.chunks(width)) {
                    let inverse = inverse_rms(x, epsilon);
                    for i in 0..width {
                        output[i] = x[i] * inverse * weight[i];
                    }
                }
            },
        )
    });
    tensor(output, shape)
}

/// See [`crate::kernels::composed::rms_norm_backward`] for the formulas.
pub fn backward<R: Real>(
    x: FlexTensor,
    weight: FlexTensor,
    grad: FlexTensor,
    epsilon: f64,
) -> (FlexTensor, FlexTensor) {
    let (x, weight, grad) = (contiguous(x), contiguous(weight), contiguous(grad));
    let shape = x.layout().shape().clone();
    let (x, weight, grad) = (
        elements::<R>(&x),
        elements::<R>(&weight),
        elements::<R>(&grad),
    );
    let width = weight.len();
    let epsilon = R::of(epsilon);
    let mut dx = vec![R::zero(); x.len()];
    let block = ROWS * width;
    let partial: Vec<Vec<R>> = dx
        .par_chunks_mut(block)
        .zip(x.par_chunks(block))
        .zip(grad.par_chunks(block))
        .map(|((dx, x), grad)| {
            vectorized(
                #[inline(always)]
                || {
                    let mut dweight = vec![R::zero(); width];
                    let rows = dx
                        .chunks_mut(width)
                        .zip(x.chunks(width))
                        .zip(grad.chunks(width));
                    for ((dx, x), grad) in rows {
                        let inverse = inverse_rms(x, epsilon);
                        let mean = sum(width, |i| grad[i] * weight[i] * x[i]) * inverse
                            / R::of(width as f64);
                        for i in 0..width {
                            let normalized = x[i] * inverse;
                            dx[i] = (grad[i] * weight[i] - normalized * mean) * inverse;
                            dweight[i] += grad[i] * normalized;
                        }
                    }
                    dweight
                },
            )
        })
        .collect();
    let mut dweight = vec![R::zero(); width];
    for part in partial {
        for (total, part) in dweight.iter_mut().zip(part) {
            *total += part;
        }
    }
    (tensor(dx, shape), tensor(dweight, [width]))
}
