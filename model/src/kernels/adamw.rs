//! The optimizer's arithmetic.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::DecoderOps;

/// One AdamW update's settings (arXiv 1711.05101).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this update.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// What gradients are multiplied with first (averaging, clipping).
    pub grad_scale: f64,
    /// The update's number, from 1.
    pub step: u64,
}

impl AdamW {
    /// The factors that undo the moments' bias towards zero, `1 / (1 − β₁ᵗ)` and `1 / (1 − β₂ᵗ)`.
    pub(super) fn corrections(&self) -> (f64, f64) {
        let of = |beta: f64| (1.0 - beta.powf(self.step as f64)).recip();
        (of(self.beta1), of(self.beta2))
    }
}

/// One AdamW update: the parameter and its two moments after it. Outside any graph; all four tensors have one shape.
pub fn adamw<const D: usize>(
    parameter: Tensor<D>,
    grad: Tensor<D>,
    first: Tensor<D>,
    second: Tensor<D>,
    settings: AdamW,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let (parameter, first, second) = <Dispatch as DecoderOps>::adamw(
        parameter.into_dispatch(),
        grad.into_dispatch(),
        first.into_dispatch(),
        second.into_dispatch(),
        settings,
    );
    (
        Tensor::from_dispatch(parameter),
        Tensor::from_dispatch(first),
        Tensor::from_dispatch(second),
    )
}

/// The sum of the squares of all elements, as a tensor of one element. Outside any graph.
pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::sum_of_squares(x.into_dispatch()))
}
