//! The feed-forward gate and the rotary position embedding.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Slice;
use glpft_checkpoints::Activation;

/// √(8/π) and the cubic term's factor in the approximation of GELU.
const ROOT: f64 = 1.595_769_121_605_730_7;
const CUBE: f64 = 0.044_715;

/// `1 / (1 + exp(-x))`.
fn sigmoid<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_recip(B::float_add_scalar(
        B::float_exp(B::float_neg(x)),
        1.0f64.into(),
    ))
}

/// The numbers v of which an activation is `x · sigmoid(v)`.
fn inner<B: Backend>(x: FloatTensor<B>, activation: Activation) -> FloatTensor<B> {
    match activation {
        Activation::Silu => x,
        Activation::GeluTanh => {
            let square = B::float_mul(x.clone(), x.clone());
            let factor = B::float_mul_scalar(square, (ROOT * CUBE).into());
            B::float_mul(x, B::float_add_scalar(factor, ROOT.into()))
        }
    }
}

/// By how much they change with x.
fn inner_slope<B: Backend>(x: FloatTensor<B>, activation: Activation) -> Option<FloatTensor<B>> {
    match activation {
        Activation::Silu => None,
        Activation::GeluTanh => {
            let square = B::float_mul(x.clone(), x);
            let slope = B::float_mul_scalar(square, (3.0 * ROOT * CUBE).into());
            Some(B::float_add_scalar(slope, ROOT.into()))
        }
    }
}

/// See [`crate::kernels::gate`].
pub fn gate<B: Backend>(
    gate: FloatTensor<B>,
    up: FloatTensor<B>,
    activation: Activation,
) -> FloatTensor<B> {
    let s = sigmoid::<B>(inner::<B>(gate.clone(), activation));
    B::float_mul(B::float_mul(gate, s), up)
}

/// With `s = sigmoid(v)`: `dgate = g·up·(s + gate·s·(1 − s)·v')`, `dup = g·gate·s`.
pub fn gate_backward<B: Backend>(
    gate: FloatTensor<B>,
    up: FloatTensor<B>,
    grad: FloatTensor<B>,
    activation: Activation,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let s = sigmoid::<B>(inner::<B>(gate.clone(), activation));
    let activated = B::float_mul(gate.clone(), s.clone());
    let dup = B::float_mul(grad.clone(), activated.clone());
    let bend = B::float_sub(activated.clone(), B::float_mul(activated, s.clone()));
    let bend = match inner_slope::<B>(gate, activation) {
        Some(slope) => B::float_mul(bend, slope),
        None => bend,
    };
    let dgate = B::float_mul(B::float_mul(grad, up), B::float_add(s, bend));
    (dgate, dup)
}

/// See [`crate::kernels::rotary`].
pub fn rotary<B: Backend>(
    x: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
    head_dim: usize,
    inverse: bool,
) -> FloatTensor<B> {
    let (tokens, width, half) = (x.shape()[0], x.shape()[1], cos.shape()[1]);
    let x = B::float_reshape(x, [tokens, width / head_dim, head_dim].into());
    let all = Slice::from(..);
    let part =
        |from: usize, to: usize| B::float_slice(x.clone(), &[all, all, Slice::from(from..to)]);
    let (first, second) = (part(0, half), part(half, 2 * half));
    let cos = B::float_reshape(cos, [tokens, 1, half].into());
    let sin = B::float_reshape(sin, [tokens, 1, half].into());
    let sin = if inverse { B::float_neg(sin) } else { sin };
    let mut parts = vec![
        B::float_sub(
            B::float_mul(first.clone(), cos.clone()),
            B::float_mul(second.clone(), sin.clone()),
        ),
        B::float_add(B::float_mul(second, cos), B::float_mul(first, sin)),
    ];
    if 2 * half < head_dim {
        parts.push(part(2 * half, head_dim));
    }
    B::float_reshape(B::float_cat(parts, 2), [tokens, width].into())
}
