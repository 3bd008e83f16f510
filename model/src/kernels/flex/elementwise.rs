//! The feed-forward gate, the rotary position embedding, sums of squares.

use burn_flex::FlexTensor;
use glpft_checkpoints::Activation;
use rayon::prelude::*;

use super::real::{Real, contiguous, elements, sum, tensor, vectorized};

/// Elements of one task.
const BLOCK: usize = 1 << 14;

#[inline(always)]
fn sigmoid<R: Real>(x: R) -> R {
    (R::one() + (-x).exponential()).recip()
}

/// An activation `x · sigmoid(v(x))`.
trait Inner {
    /// v, and how fast it changes.
    fn of<R: Real>(x: R) -> (R, R);
}

struct Silu;

impl Inner for Silu {
    #[inline(always)]
    fn of<R: Real>(x: R) -> (R, R) {
        (x, R::one())
    }
}

/// `v = √(8/π) · (x + 0.044715 x³)`.
struct GeluTanh;

impl Inner for GeluTanh {
    #[inline(always)]
    fn of<R: Real>(x: R) -> (R, R) {
        let root = R::of(1.595_769_121_605_730_7);
        let square = x * x * R::of(0.044_715);
        let three = R::of(3.0);
        (
            root * x * (R::one() + square),
            root * (R::one() + three * square),
        )
    }
}

/// See [`crate::kernels::gate`].
pub fn gate<R: Real>(gate: FlexTensor, up: FlexTensor, activation: Activation) -> FlexTensor {
    match activation {
        Activation::Silu => gate_by::<R, Silu>(gate, up),
        Activation::GeluTanh => gate_by::<R, GeluTanh>(gate, up),
    }
}

fn gate_by<R: Real, A: Inner>(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
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
                        output[i] = gate[i] * sigmoid(A::of(gate[i]).0) * up[i];
                    }
                },
            )
        });
    tensor(output, shape)
}

/// See [`crate::kernels::composed::gate_backward`] for the formulas.
pub fn gate_backward<R: Real>(
    gate: FlexTensor,
    up: FlexTensor,
    grad: FlexTensor,
    activation: Activation,
) -> (FlexTensor, FlexTensor) {
    match activation {
        Activation::Silu => gate_backward_by::<R, Silu>(gate, up, grad),
        Activation::GeluTanh => gate_backward_by::<R, GeluTanh>(gate, up, grad),
    }
}

fn gate_backward_by<R: Real, A: Inner>(
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
                        let (inner, slope) = A::of(gate[i]);
                        let s = sigmoid(inner);
                        let activated = gate[i] * s;
                        dup[i] = grad[i] * activated;
                        dgate[i] = grad[i] * up[i] * (s + (activated - activated * s) * slope);
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
    head_dim: usize,
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
                        let heads = output.chunks_mut(head_dim).zip(x.chunks(head_dim));
                        for (output, x) in heads {
                            output[2 * half..].copy_from_slice(&x[2 * half..]);
                            let (first, second) = x[..2 * half].split_at(half);
                            let (turned_first, turned_second) =
                                output[..2 * half].split_at_mut(half);
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
