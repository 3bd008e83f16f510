//! Norms, gates and rotary positions.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use glpft_checkpoints::Activation;

use super::DecoderOps;

/// Root mean square normalization: `x / sqrt(mean(x²) + epsilon) * weight` over the last dimension
/// (arXiv 1910.07467).
///
/// `x` is `[tokens, width]`, `weight` `[width]`.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::rms_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        epsilon,
    ))
}

/// The gate of a feed-forward layer: `activation(gate) * up` (arXiv 2002.05202), all `[tokens, width]`.
pub fn gate(gate: Tensor<2>, up: Tensor<2>, activation: Activation) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::gate(
        gate.into_dispatch(),
        up.into_dispatch(),
        activation,
    ))
}

/// Rotary position embedding with rotated halves (arXiv 2104.09864, as Hugging Face lays it out): of the first `2 * pairs`
/// elements of each head, element `i` of the first half and of the second half turn by the angle of pair `i`; the others
/// stay.
///
/// `x` is `[tokens, heads * head_dim]`; `cos` and `sin` are `[tokens, pairs]`.
pub fn rotary(x: Tensor<2>, cos: Tensor<2>, sin: Tensor<2>, head_dim: usize) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::rotary(
        x.into_dispatch(),
        cos.into_dispatch(),
        sin.into_dispatch(),
        head_dim,
        false,
    ))
}
