//! Products with weights, with and without an adapter.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{FloatDType, TensorData};
use glpft_recipes::Precision;
use rayon::prelude::*;

use crate::kernels::{DropoutMask, LowRank};

/// See [`crate::kernels::projection`].
pub fn projection<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    precision: Precision,
) -> FloatTensor<B> {
    product::<B>(x, transposed::<B>(weight), precision)
}

/// `grad · weight`.
pub fn projection_input_grad<B: Backend>(
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    precision: Precision,
) -> FloatTensor<B> {
    product::<B>(grad, weight, precision)
}

/// `gradᵀ · x`.
pub fn projection_weight_grad<B: Backend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
    precision: Precision,
) -> FloatTensor<B> {
    product::<B>(transposed::<B>(grad), x, precision)
}

/// The output and `scale · dropout(x) · aᵀ`.
pub fn adapted_projection_forward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    low_rank: LowRank,
    precision: Precision,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let dropped = match low_rank.dropout {
        Some(dropout) => B::float_mul(x.clone(), mask::<B>(&x, dropout)),
        None => x.clone(),
    };
    let low = B::float_matmul(dropped, transposed::<B>(a));
    let low = B::float_mul_scalar(low, low_rank.scale.into());
    let added = B::float_matmul(low.clone(), transposed::<B>(b));
    let output = B::float_add(projection::<B>(x, weight, precision), added);
    (output, low)
}

/// With `dlow = scale · grad · b` and `d = dropout`'s mask: `dx = grad · weight + d ∘ (dlow · a)`,
/// `da = dlowᵀ · (d ∘ x)`, `db = gradᵀ · low`.
#[allow(
    clippy::too_many_arguments,
    reason = "a backward pass needs all of its forward's tensors"
)]
pub fn adapted_projection_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    low: FloatTensor<B>,
    grad: FloatTensor<B>,
    low_rank: LowRank,
    precision: Precision,
    input_grad: bool,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let db = B::float_matmul(transposed::<B>(grad.clone()), low);
    let dlow = B::float_mul_scalar(B::float_matmul(grad.clone(), b), low_rank.scale.into());
    let mask = low_rank.dropout.map(|dropout| mask::<B>(&x, dropout));
    let drop = |x: FloatTensor<B>| match &mask {
        Some(mask) => B::float_mul(x, mask.clone()),
        None => x,
    };
    let dx = match input_grad {
        true => B::float_add(
            projection_input_grad::<B>(weight, grad, precision),
            drop(B::float_matmul(dlow.clone(), a)),
        ),
        false => B::float_reshape(B::float_sum(dlow.clone()), [1, 1].into()),
    };
    let da = B::float_matmul(transposed::<B>(dlow), drop(x));
    (dx, da, db)
}

/// The mask that dropout multiplies `x` with, `[tokens, in]`.
fn mask<B: Backend>(x: &FloatTensor<B>, dropout: DropoutMask) -> FloatTensor<B> {
    let shape = x.shape();
    let mut mask = vec![0f32; shape.num_elements()];
    const BLOCK: usize = 1 << 14;
    mask.par_chunks_mut(BLOCK)
        .enumerate()
        .for_each(|(block, part)| {
            let start = (block * BLOCK) as u64;
            dropout
                .random
                .fill_dropout(start, dropout.probability, part);
        });
    let mask = B::float_from_data(TensorData::new(mask, shape), &x.device());
    B::float_cast(mask, FloatDType::from(x.dtype()))
}

fn transposed<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_swap_dims(x, 0, 1)
}

fn product<B: Backend>(
    left: FloatTensor<B>,
    right: FloatTensor<B>,
    precision: Precision,
) -> FloatTensor<B> {
    match precision {
        Precision::F32 => B::float_matmul(left, right),
        Precision::Bf16 => {
            let dtype = FloatDType::from(left.dtype());
            // Rounded and back: a product of bf16 tensors would round its sums, too.
            let rounded = |x| B::float_cast(B::float_cast(x, FloatDType::BF16), dtype);
            B::float_matmul(rounded(left), rounded(right))
        }
    }
}
