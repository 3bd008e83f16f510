//! The operations that burn alone computes with more memory traffic than the mathematics needs.
//!
//! Each is a method of [`DecoderOps`] with a default body composed of burn operations, forward and
//! backward; the CPU backend overrides them with fused kernels (`flex`). Autodiff is wired once in
//! `autodiff`, by hand-written backward passes that keep only what they need. The functions of this
//! module are the way in: they take and give [`Tensor`]s.

mod autodiff;
mod cached_attention;
pub mod composed;
mod flex;
mod held_weight;
mod projection;
mod projection_input;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{FloatDType, Int, Tensor};
use glpft_checkpoints::Activation;
use glpft_recipes::Precision;

pub use cached_attention::{CacheRun, CacheRuns, cached_attention};
pub use held_weight::{HeldAs, HeldWeight};
pub use projection::{DropoutMask, LowRank, adapted_projection, projection};
pub use projection_input::{ProjectionInput, Remake};

/// How the heads of an attention layer are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What the scores are multiplied with before the softmax.
    pub scale: f64,
    /// How many positions back, its own among them, a token attends; none: to all on its path.
    pub window: Option<usize>,
    /// Of the products' operands. Devices without a kernel of their own take f32.
    pub precision: Precision,
}

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
    fn corrections(&self) -> (f64, f64) {
        let of = |beta: f64| (1.0 - beta.powf(self.step as f64)).recip();
        (of(self.beta1), of(self.beta2))
    }
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
impl DecoderOps for burn_cubecl::CubeBackend {}

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

/// Attention over a prefix forest in preorder: token `q` attends to token `k` iff `k <= q` and
/// `q < subtree_end[k]`, that is iff `k` is on the path from its root to `q`; with a window, iff besides
/// `positions[q] - positions[k] < window`: the window counts along the path.
///
/// `query` is `[tokens, heads * head_dim]`, `key` and `value` are `[tokens, kv_heads * head_dim]`,
/// `subtree_end` and `positions` (read where there is a window) are `[tokens]`; the output has the shape of `query`. Query head `h` reads key/value head
/// `h / (heads / kv_heads)`.
pub fn tree_attention(
    query: Tensor<2>,
    key: Tensor<2>,
    value: Tensor<2>,
    subtree_end: Tensor<1, Int>,
    positions: Tensor<1, Int>,
    shape: AttentionShape,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::tree_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        subtree_end.into_dispatch(),
        positions.into_dispatch(),
        shape,
    ))
}

/// The keys and values of a trunk at one layer, and which of them the tokens of a batch attend to.
#[derive(Clone, Debug)]
pub struct TrunkKeys {
    /// `[trunk, kv_heads * head_dim]`, rotated.
    pub key: Tensor<2>,
    /// `[trunk, kv_heads * head_dim]`.
    pub value: Tensor<2>,
    /// One past the last node of each of the trunk's nodes' subtree, `[trunk]`.
    pub subtree_end: Tensor<1, Int>,
    /// For each token of the batch one past the trunk's node that it grows from, `[tokens]`: it attends to key `k` iff
    /// `k < reach && reach <= subtree_end[k]`.
    pub reach: Tensor<1, Int>,
}

/// [`tree_attention`] of tokens that grow from a trunk: they attend to the trunk's keys as well, to all of them on their
/// path: a window is not for this. No gradient reaches those.
pub fn branch_attention(
    query: Tensor<2>,
    key: Tensor<2>,
    value: Tensor<2>,
    subtree_end: Tensor<1, Int>,
    positions: Tensor<1, Int>,
    trunk: TrunkKeys,
    shape: AttentionShape,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as DecoderOps>::branch_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        subtree_end.into_dispatch(),
        positions.into_dispatch(),
        trunk.key.into_dispatch(),
        trunk.value.into_dispatch(),
        trunk.subtree_end.into_dispatch(),
        trunk.reach.into_dispatch(),
        shape,
    ))
}

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

#[cfg(test)]
mod tests;
