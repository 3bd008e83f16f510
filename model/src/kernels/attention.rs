//! Attention over prefix trees, and over the trunk that a tree grows from.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};
use glpft_recipes::Precision;

use super::DecoderOps;

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
