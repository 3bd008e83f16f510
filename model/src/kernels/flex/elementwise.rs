//! The feed-forward gate, the rotary position embedding, sums of squares.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::real::{Real, contiguous, elements, sum, tensor, vectorized};

/// Elements of one task.
const BLOCK: usize = 1 << 14;

#[inline(always)]
fn sigmoid<R: Real>(x: R) -> R {
    (R::one() + (-x).exponential()).recip()
}

/// See [`crate::kernels::silu_gate`].
pub fn silu_gate<R: Real>(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
    let (gate, up) = (contiguous(gate), contiguous(up));
    let shape = gate.layout().shape().clone();
    let (gate, up) = (elements::<R>(&gate), elements::<R>(&up));
    let mut output = vec![R::zero(); gate.len()];
    output
        .par_chunks_mut(BLOCK)
        .zip(gate.par_chunks(BLOCK))
        .zip(up.par_chunks(BLOCK))
        .for_each(|((output, gate), up)| {
            vectorized(
                #[inline(always)]
                || {
                    for i in 0..output.len() {
                        output[i] = gate[i] * sigmoid(gate[i]) * up[i];
                    }
                },
            )
        });
    tensor(output, shape)
}

/// See [`crate::kernels::composed::silu_gate_backward`] for the formulas.
pub fn silu_gate_backward<R: Real>(
    gate: FlexTensor,
    up: FlexTensor,
    grad: FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (gate, up, grad) = (contiguous(gate), contiguous(up), contiguous(grad));
    let shape = gate.layout().shape().clone();
    let (gate, up, grad) = (
        elements::<R>(&gate),
        elements::<R>(&up),
        elements::<R>(&grad),
    );
    let mut dgate = vec![R::zero(); gate.len()];
    let mut dup = vec![R::zero(); gate.len()];
    dgate
        .par_chunks_mut(BLOCK)
        .zip(dup.par_chunks_mut(BLOCK))
        .zip(gate.par_chunks(BLOCK).zip(up.par_chunks(BLOCK)))
        .zip(grad.par_chunks(BLOCK))
        .for_each(|(((dgate, dup), (gate, up)), grad)| {
            vectorized(
                #[inline(always)]
                || {
                    for i in 0..dgate.len() {
                        let s = sigmoid(gate[i]);
                        let activated = gate[i] * s;
                        dup[i] = grad[i] * activated;
                        dgate[i] = grad[i] * up[i] * (s + activated - activated * s);
                    }
                },
            )
        });
    (tensor(dgate, shape.clone()), tensor(dup, shape))
}

/// See [`crate::kernels::rotary`].
pub fn rotary<R: Real>(
    x: FlexTensor,
    cos: FlexTensor,
    sin: FlexTensor,
    inverse: bool,
) -> FlexTensor {
    let (x, cos, sin) = (contiguous(x), contiguous(cos), contiguous(sin));
    let shape = x.layout().shape().clone();
    let (width, half) = (shape[1], cos.layout().shape()[1]);
    let (x, cos, sin) = (elements::<R>(&x), elements::<R>(&cos), elements::<R>(&sin));
    let sign = if inverse { -R::one() } else { R::one() };
    let rows = (BLOCK / width).max(1);
    let mut output = vec![R::zero(); x.len()];
    output
        .par_chunks_mut(rows * width)
        .zip(x.par_chunks(rows * width))
        .zip(cos.par_chunks(rows * half).zip(sin.par_chunks(rows * half)))
        .for_each(|((output, x), (cos, sin))| {
            vectorized(
                #[inline(always)]
                || {
                    let tokens = output.chunks_mut(width).zip(x.chunks(width));
                    let angles = cos.chunks(half).zip(sin.chunks(half));
                    for ((output, x), (cos, sin)) in tokens.zip(angles) {
                        let heads = output.chunks_mut(2 * half).zip(x.chunks(2 * half));
                        for (output, x) in heads {
                            let (first, second) = x.split_at(half);
                            let (turned_first, turned_second) = output.split_at_mut(half);
                            for i in 0..half {
                                let sin = sin[i] * sign;
                                turned_first[i] = first[i] * cos[i] - second[i] * sin;
                                turned_second[i] = second[i] * cos[i] + first[i] * sin;
                            }
                        }
                    }
                },
            )
        });
    tensor(output, shape)
}

/// See [`crate::kernels::sum_of_squares`]. Blocks are summed in double precision.
pub fn sum_of_squares<R: Real>(x: FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    let blocks: Vec<f64> = elements::<R>(&x)
        .par_chunks(BLOCK)
        .map(|x| {
            vectorized(
                #[inline(always)]
                || sum(x.len(), |i| x[i] * x[i]).elem::<f64>(),
            )
        })
        .collect();
    tensor(vec![R::of(blocks.into_iter().sum())], [1])
}
