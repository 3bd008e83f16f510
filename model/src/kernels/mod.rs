//! The operations that burn alone computes with more memory traffic than the mathematics needs.
//!
//! Each is a method of [`DecoderOps`] with a default body composed of burn operations, forward and
//! backward; the CPU backend overrides them with fused kernels (`flex`). Autodiff is wired once in
//! `autodiff`, by hand-written backward passes that keep only what they need. The functions of this
//! module are the way in: they take and give [`Tensor`](burn::tensor::Tensor)s.

mod adamw;
mod attention;
mod autodiff;
mod cached_attention;
pub mod composed;
mod cross_entropy;
mod elementwise;
mod flex;
mod held_weight;
mod projection;
mod projection_input;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, backend_extension};
use burn::tensor::FloatDType;
use glpft_checkpoints::Activation;
use glpft_recipes::Precision;

pub use adamw::{AdamW, adamw, sum_of_squares};
pub use attention::{AttentionShape, TrunkKeys, branch_attention, tree_attention};
pub use cached_attention::{CacheRun, CacheRuns, cached_attention};
pub use cross_entropy::linear_cross_entropy;
pub use elementwise::{gate, rms_norm, rotary};
pub use held_weight::{HeldAs, HeldWeight};
pub use projection::{DropoutMask, LowRank, adapted_projection, projection};
pub use projection_input::{ProjectionInput, Remake};

/// The decoder's own operations on a backend.
#[backend_extension(
    Flex,
    Cube: cfg(any(feature = "cuda", feature = "wgpu")),
    Fusion: cfg(feature = "fusion"),
    Autodiff
)]
pub trait DecoderOps: Backend {
    /// A weight `[out, in]` in full, as numbers of `dtype`. See [`HeldWeight`].
    #[fusion(default)]
    fn whole_weight(
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        composed::whole_weight::<Self>(weight, codes, held_as, dtype)
    }

    /// See [`projection`]. `of`, `with` and `remake` say what `x` is made of, for the backward pass alone; `weight`, `codes` and
    /// `held_as` are a [`HeldWeight`]'s.
    #[fusion(default)]
    #[allow(
        clippy::too_many_arguments,
        reason = "the input and the weight are made of two tensors each"
    )]
    fn projection(
        x: FloatTensor<Self>,
        _of: FloatTensor<Self>,
        _with: FloatTensor<Self>,
        _remake: Remake,
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let weight = Self::whole_weight(weight, codes, held_as, x.dtype().into());
        composed::projection::<Self>(x, weight, precision)
    }

    /// The gradient of `x`, from the gradient of the output.
    #[fusion(default)]
    fn projection_input_grad(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        precision: Precision,
    ) -> FloatTensor<Self> {
        composed::projection_input_grad::<Self>(weight, grad, precision)
    }

    /// The gradient of `weight`, from the gradient of the output.
    #[fusion(default)]
    fn projection_weight_grad(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        precision: Precision,
    ) -> FloatTensor<Self> {
        composed::projection_weight_grad::<Self>(x, grad, precision)
    }

    /// See [`adapted_projection`]; the input and the weight as in [`projection`](Self::projection).
    #[fusion(default)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an adapter has two matrices beside the weight, and input and weight are made of two tensors each"
    )]
    fn adapted_projection(
        x: FloatTensor<Self>,
        _of: FloatTensor<Self>,
        _with: FloatTensor<Self>,
        _remake: Remake,
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let weight = Self::whole_weight(weight, codes, held_as, x.dtype().into());
        Self::adapted_projection_forward(x, weight, a, b, low_rank, precision).0
    }

    /// The output `[tokens, out]` and the adapter's inner product, scaled, `[tokens, rank]`.
    #[fusion(default)]
    fn adapted_projection_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::adapted_projection_forward::<Self>(x, weight, a, b, low_rank, precision)
    }

    /// The gradients of `x` (a tensor of one element unless `input_grad`), `a` and `b`, from the gradient of the output. `low` is the
    /// second result of the forward pass.
    #[fusion(default)]
    #[allow(
        clippy::too_many_arguments,
        reason = "a backward pass needs all of its forward's tensors"
    )]
    fn adapted_projection_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
        input_grad: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::adapted_projection_backward::<Self>(
            x, weight, a, b, low, grad, low_rank, precision, input_grad,
        )
    }

    /// See [`rms_norm`].
    #[fusion(default)]
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        composed::rms_norm::<Self>(x, weight, epsilon)
    }

    /// The gradients of `x` and `weight`, from the gradient of the output.
    #[fusion(default)]
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::rms_norm_backward::<Self>(x, weight, grad, epsilon)
    }

    /// See [`gate`].
    #[fusion(default)]
    fn gate(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        composed::gate::<Self>(gate, up, activation)
    }

    /// The gradients of `gate` and `up`, from the gradient of the output.
    #[fusion(default)]
    fn gate_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::gate_backward::<Self>(gate, up, grad, activation)
    }

    /// See [`rotary`]; `inverse` rotates back, which is the gradient's rotation.
    #[fusion(default)]
    fn rotary(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        head_dim: usize,
        inverse: bool,
    ) -> FloatTensor<Self> {
        composed::rotary::<Self>(x, cos, sin, head_dim, inverse)
    }

    /// See [`tree_attention`].
    #[fusion(default)]
    fn tree_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        Self::tree_attention_forward(query, key, value, subtree_end, positions, shape).0
    }

    /// The output `[tokens, heads * head_dim]` and the log-sum-exp of each row's scores `[tokens, heads]`.
    #[fusion(default)]
    fn tree_attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::tree_attention_forward::<Self>(query, key, value, subtree_end, positions, shape)
    }

    /// The gradients of `query`, `key` and `value`; the scores are computed again from `log_sum_exp`.
    #[allow(
        clippy::too_many_arguments,
        reason = "an attention's backward needs all of its forward's tensors"
    )]
    #[fusion(default)]
    fn tree_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        output: FloatTensor<Self>,
        log_sum_exp: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::tree_attention_backward::<Self>(
            query,
            key,
            value,
            subtree_end,
            positions,
            output,
            log_sum_exp,
            grad,
            shape,
        )
    }

    /// What of [`branch_attention`] is of the trunk's keys alone: the output `[tokens, heads * head_dim]` and the log-sum-exp
    /// of each row's scores `[tokens, heads]`; a row that attends to none of them has none to weigh.
    #[fusion(default)]
    fn trunk_attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::trunk_attention_forward::<Self>(query, key, value, trunk_end, reach, shape)
    }

    /// The gradient of `query` through the trunk's keys; `output` and `log_sum_exp` are those of all keys.
    #[allow(
        clippy::too_many_arguments,
        reason = "an attention's backward needs all of its forward's tensors"
    )]
    #[fusion(default)]
    fn trunk_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        output: FloatTensor<Self>,
        log_sum_exp: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        composed::trunk_attention_backward::<Self>(
            query,
            key,
            value,
            trunk_end,
            reach,
            output,
            log_sum_exp,
            grad,
            shape,
        )
    }

    /// See [`branch_attention`].
    #[allow(
        clippy::too_many_arguments,
        reason = "an attention's inputs, those of the trunk, and who attends to what"
    )]
    #[fusion(default)]
    fn branch_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        trunk_key: FloatTensor<Self>,
        trunk_value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let own =
            Self::tree_attention_forward(query.clone(), key, value, subtree_end, positions, shape);
        let of_trunk =
            Self::trunk_attention_forward(query, trunk_key, trunk_value, trunk_end, reach, shape);
        composed::joined::<Self>(own, of_trunk).0
    }

    /// See [`cached_attention`]; gives the output and the two caches.
    #[allow(
        clippy::too_many_arguments,
        reason = "an attention's inputs and the two caches that it changes"
    )]
    #[fusion(default)]
    fn cached_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        runs: CacheRuns,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::cached_attention::<Self>(query, key, value, keys, values, &runs, shape)
    }

    /// See [`linear_cross_entropy`].
    #[fusion(default)]
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        rows: IntTensor<Self>,
        tokens: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear_cross_entropy_forward(hidden, head, rows, tokens, weights, false, false).0
    }

    /// The summed loss `[1]`, and with it the gradients of `hidden` and `head` where they are asked for
    /// (tensors of one element where they are not).
    #[allow(
        clippy::too_many_arguments,
        reason = "the two switches keep validation from paying for gradients"
    )]
    #[fusion(default)]
    fn linear_cross_entropy_forward(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        rows: IntTensor<Self>,
        tokens: IntTensor<Self>,
        weights: FloatTensor<Self>,
        hidden_grad: bool,
        head_grad: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::linear_cross_entropy_forward::<Self>(
            hidden,
            head,
            rows,
            tokens,
            weights,
            hidden_grad,
            head_grad,
        )
    }

    /// See [`adamw`].
    #[fusion(default)]
    fn adamw(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        settings: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::adamw::<Self>(parameter, grad, first, second, settings)
    }

    /// See [`sum_of_squares`].
    #[fusion(default)]
    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_sum(Self::float_mul(x.clone(), x))
    }
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
impl DecoderOps for burn_cubecl::CubeBackend {}

#[cfg(test)]
mod tests;
