//! The output head and its loss.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use super::DecoderOps;

/// The output head and its cross-entropy in one operation: `Σᵢ weightsᵢ · −log softmax(hidden[rowsᵢ] ·
/// headᵀ)[tokensᵢ]`, as a tensor of one element.
///
/// `hidden` is `[rows, width]`, `head` `[vocabulary, width]`; `rows`, `tokens` and `weights` are
/// `[targets]`, sorted by row. The logits exist for a chunk of rows at a time, and the gradients of
/// `hidden` and `head` are made while they do.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    head: Tensor<2>,
    rows: Tensor<1, Int>,
    tokens: Tensor<1, Int>,
    weights: Tensor<1>,
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::linear_cross_entropy(
        hidden.into_dispatch(),
        head.into_dispatch(),
        rows.into_dispatch(),
        tokens.into_dispatch(),
        weights.into_dispatch(),
    ))
}
