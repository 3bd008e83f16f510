//! The optimizer's update.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::real::{Real, elements, vectorized, whole};
use crate::kernels::AdamW;

/// Elements of one task.
const BLOCK: usize = 1 << 15;

/// See [`crate::kernels::adamw`]. In place where nobody else holds the tensors.
pub fn adamw<R: Real>(
    parameter: FlexTensor,
    grad: FlexTensor,
    first: FlexTensor,
    second: FlexTensor,
    settings: AdamW,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let [mut parameter, grad, mut first, mut second] = [parameter, grad, first, second].map(whole);
    let (of_first, of_second) = settings.corrections();
    let [beta1, beta2, epsilon, grad_scale, step, decay, of_second] = [
        settings.beta1,
        settings.beta2,
        settings.epsilon,
        settings.grad_scale,
        settings.lr * of_first,
        1.0 - settings.lr * settings.weight_decay,
        of_second,
    ]
    .map(R::of);
    let (fresh1, fresh2) = (R::one() - beta1, R::one() - beta2);
    parameter
        .storage_mut::<R>()
        .par_chunks_mut(BLOCK)
        .zip(first.storage_mut::<R>().par_chunks_mut(BLOCK))
        .zip(second.storage_mut::<R>().par_chunks_mut(BLOCK))
        .zip(elements::<R>(&grad).par_chunks(BLOCK))
        .for_each(|(((parameter, first), second), grad)| {
            vectorized(
                #[inline(always)]
                || {
                    for i in 0..grad.len() {
                        let grad = grad[i] * grad_scale;
                        first[i] = first[i] * beta1 + grad * fresh1;
                        second[i] = second[i] * beta2 + grad * grad * fresh2;
                        let root = (second[i] * of_second).sqrt() + epsilon;
                        parameter[i] = parameter[i] * decay - first[i] * step / root;
                    }
                },
            )
        });
    (parameter, first, second)
}
