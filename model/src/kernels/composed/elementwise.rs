//! The feed-forward gate and the rotary position embedding.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Slice;

/// `1 / (1 + exp(-x))`.
fn sigmoid<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_recip(B::float_add_scalar(
        B::float_exp(B::float_neg(x)),
        1.0f64.into(),
    ))
}

/// See [`crate::kernels::silu_gate`].
pub fn silu_gate<B: Backend>(gate: FloatTensor<B>, up: FloatTensor<B>) -> FloatTensor<B> {
    let activated = B::float_mul(gate.clone(), sigmoid::<B>(gate));
    B::float_mul(activated, up)
}

/// With `s = sigmoid(gate)`: `dgate = g·up·s·(1 + gate·(1 − s))`, `dup = g·gate·s`.
pub fn silu_gate_backward<B: Backend>(
    gate: FloatTensor<B>,
    up: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let s = sigmoid::<B>(gate.clone());
    let activated = B::float_mul(gate.clone(), s.clone());
    let dup = B::float_mul(grad.clone(), activated.clone());
    let slope = B::float_add(
        s.clone(),
        B::float_sub(activated.clone(), B::float_mul(activated, s)),
    );
    let dgate = B::float_mul(B::float_mul(grad, up), slope);
    (dgate, dup)
}

/// See [`crate::kernels::rotary`].
pub fn rotary<B: Backend>(
    x: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
    inverse: bool,
) -> FloatTensor<B> {
    let (tokens, width, half) = (x.shape()[0], x.shape()[1], cos.shape()[1]);
    let heads = width / (2 * half);
    let x = B::float_reshape(x, [tokens, heads, 2 * half].into());
    let all = Slice::from(..);
    let first = B::float_slice(x.clone(), &[all, all, Slice::from(0..half)]);
    let second = B::float_slice(x, &[all, all, Slice::from(half..2 * half)]);
    let cos = B::float_reshape(cos, [tokens, 1, half].into());
    let sin = B::float_reshape(sin, [tokens, 1, half].into());
    let sin = if inverse { B::float_neg(sin) } else { sin };
    let rotated = B::float_cat(
        vec![
            B::float_sub(
                B::float_mul(first.clone(), cos.clone()),
                B::float_mul(second.clone(), sin.clone()),
            ),
            B::float_add(B::float_mul(second, cos), B::float_mul(first, sin)),
        ],
        2,
    );
    B::float_reshape(rotated, [tokens, width].into())
}
