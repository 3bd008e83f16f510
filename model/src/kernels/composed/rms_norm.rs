//! Root mean square normalization.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

/// `1 / sqrt(mean(x²) + epsilon)`, `[tokens, 1]`.
fn inverse_rms<B: Backend>(x: FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    let mean = B::float_mean_dim(B::float_mul(x.clone(), x), 1);
    B::float_recip(B::float_sqrt(B::float_add_scalar(mean, epsilon.into())))
}

/// The weight as a row, `[1, width]`.
fn row<B: Backend>(weight: FloatTensor<B>) -> FloatTensor<B> {
    let width = weight.shape()[0];
    B::float_reshape(weight, [1, width].into())
}

/// See [`crate::kernels::rms_norm`].
pub fn rms_norm<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    let inverse = inverse_rms::<B>(x.clone(), epsilon);
    B::float_mul(B::float_mul(x, inverse), row::<B>(weight))
}

/// With `y = x·r·w`, `r = (mean(x²) + ε)^-½`: `dx = r·(g·w) − x·r³·mean(g·w·x)`, `dw = Σ g·x·r`.
pub fn rms_norm_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    epsilon: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let width = weight.shape()[0];
    let inverse = inverse_rms::<B>(x.clone(), epsilon);
    let normalized = B::float_mul(x, inverse.clone());
    let dweight = B::float_sum_dim(B::float_mul(grad.clone(), normalized.clone()), 0);
    let scaled = B::float_mul(grad, row::<B>(weight));
    let mean = B::float_mean_dim(B::float_mul(scaled.clone(), normalized.clone()), 1);
    let dx = B::float_mul(
        B::float_sub(scaled, B::float_mul(normalized, mean)),
        inverse,
    );
    (dx, B::float_reshape(dweight, [width].into()))
}
