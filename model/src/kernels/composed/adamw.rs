//! The optimizer's update.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::kernels::AdamW;

/// See [`crate::kernels::adamw`].
pub fn adamw<B: Backend>(
    parameter: FloatTensor<B>,
    grad: FloatTensor<B>,
    first: FloatTensor<B>,
    second: FloatTensor<B>,
    settings: AdamW,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let AdamW {
        lr,
        beta1,
        beta2,
        epsilon,
        weight_decay,
        grad_scale,
        ..
    } = settings;
    let (of_first, of_second) = settings.corrections();
    let grad = B::float_mul_scalar(grad, grad_scale.into());
    let first = B::float_add(
        B::float_mul_scalar(first, beta1.into()),
        B::float_mul_scalar(grad.clone(), (1.0 - beta1).into()),
    );
    let second = B::float_add(
        B::float_mul_scalar(second, beta2.into()),
        B::float_mul_scalar(B::float_mul(grad.clone(), grad), (1.0 - beta2).into()),
    );
    let root = B::float_sqrt(B::float_mul_scalar(second.clone(), of_second.into()));
    let update = B::float_div(
        B::float_mul_scalar(first.clone(), (lr * of_first).into()),
        B::float_add_scalar(root, epsilon.into()),
    );
    let decayed = B::float_mul_scalar(parameter, (1.0 - lr * weight_decay).into());
    (B::float_sub(decayed, update), first, second)
}
