//! Products with weights.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use glpft_data::Random;
use glpft_recipes::Precision;

use super::{DecoderOps, HeldWeight, ProjectionInput};

/// What an adapter does beside its two matrices.
#[derive(Clone, Copy, Debug)]
pub struct LowRank {
    /// What the adapter's output is multiplied with, `alpha / rank`.
    pub scale: f64,
    /// Dropout of its input, in training.
    pub dropout: Option<DropoutMask>,
}

/// Which elements of a matrix are dropped: made again wherever it is needed, never kept.
#[derive(Clone, Copy, Debug)]
pub struct DropoutMask {
    /// The sequence of random numbers; element `[row, column]` reads number `row * width + column`.
    pub random: Random,
    /// Probability that an element is dropped; the others are multiplied with `1 / (1 - probability)`.
    pub probability: f64,
}

/// `x · weightᵀ`: the input `x` is `[tokens, in]`, `weight` `[out, in]`, the output `[tokens, out]`.
pub fn projection(
    input: ProjectionInput,
    weight: impl Into<HeldWeight>,
    precision: Precision,
) -> Tensor<2> {
    let (x, [of, with], remake) = input.into_parts();
    let (weight, codes, held_as) = weight.into().into_parts();
    Tensor::from_dispatch(<Dispatch as DecoderOps>::projection(
        x, of, with, remake, weight, codes, held_as, precision,
    ))
}

/// A product with a frozen weight and its low-rank adapter (LoRA, arXiv 2106.09685) in one operation:
/// `x · weightᵀ + scale · (dropout(x) · aᵀ) · bᵀ`.
///
/// `x` is `[tokens, in]`, `weight` `[out, in]`, `a` `[rank, in]`, `b` `[out, rank]`, the output `[tokens, out]`. Only
/// what `x` is made of and the `[tokens, rank]` product are kept for the backward pass. `precision` is the weight's product's; the
/// adapter's are single precision. No gradient reaches `weight`.
pub fn adapted_projection(
    input: ProjectionInput,
    weight: impl Into<HeldWeight>,
    a: Tensor<2>,
    b: Tensor<2>,
    low_rank: LowRank,
    precision: Precision,
) -> Tensor<2> {
    let (x, [of, with], remake) = input.into_parts();
    let (weight, codes, held_as) = weight.into().into_parts();
    Tensor::from_dispatch(<Dispatch as DecoderOps>::adapted_projection(
        x,
        of,
        with,
        remake,
        weight,
        codes,
        held_as,
        a.into_dispatch(),
        b.into_dispatch(),
        low_rank,
        precision,
    ))
}
