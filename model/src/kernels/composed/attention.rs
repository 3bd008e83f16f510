//! Attention over a prefix forest, with the whole score matrix.

use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};

use crate::kernels::AttentionShape;

/// True where token `q` (row) does not attend to token `k` (column), `[1, tokens, tokens]`.
fn hidden_from<B: Backend>(
    subtree_end: IntTensor<B>,
    positions: IntTensor<B>,
    window: Option<usize>,
) -> BoolTensor<B> {
    let tokens = subtree_end.shape()[0];
    let device = subtree_end.device();
    let bools = get_or_init_device_settings::<B>(&device).bool_dtype;
    let ints = subtree_end.dtype();
    let index = B::int_arange(0..tokens as i64, &device, ints.into());
    let query = B::int_expand(
        B::int_reshape(index.clone(), [tokens, 1].into()),
        [tokens, tokens].into(),
    );
    let key = B::int_expand(
        B::int_reshape(index, [1, tokens].into()),
        [tokens, tokens].into(),
    );
    let end = B::int_expand(
        B::int_reshape(subtree_end, [1, tokens].into()),
        [tokens, tokens].into(),
    );
    let later = B::int_greater(key, query.clone(), bools);
    let elsewhere = B::int_greater_equal(query, end, bools);
    let mut hidden = B::bool_or(later, elsewhere);
    // Wider ones hide nothing, and may be more than a device's integers hold.
    if let Some(window) = window.filter(|&window| window < tokens) {
        let of = |shape: [usize; 2]| {
            let column = B::int_reshape(positions.clone(), shape.into());
            B::int_expand(column, [tokens, tokens].into())
        };
        let back = B::int_sub(of([tokens, 1]), of([1, tokens]));
        let far = B::int_greater_equal_elem(back, (window as i64).into(), bools);
        hidden = B::bool_or(hidden, far);
    }
    B::bool_reshape(hidden, [1, tokens, tokens].into())
}

/// `[tokens, heads * head_dim]` → `[kv_heads, group * tokens, head_dim]`: the query heads of a key/value
/// head stacked, so that keys and values are never repeated.
pub(super) fn stack<B: Backend>(
    x: FloatTensor<B>,
    kv_heads: usize,
    head_dim: usize,
) -> FloatTensor<B> {
    let (tokens, width) = (x.shape()[0], x.shape()[1]);
    let group = width / (kv_heads * head_dim);
    let x = B::float_reshape(x, [tokens, kv_heads, group, head_dim].into());
    let x = B::float_permute(x, &[1, 2, 0, 3]);
    B::float_reshape(x, [kv_heads, group * tokens, head_dim].into())
}

/// The inverse of [`stack`].
pub(super) fn unstack<B: Backend>(x: FloatTensor<B>, tokens: usize) -> FloatTensor<B> {
    let (kv_heads, rows, head_dim) = (x.shape()[0], x.shape()[1], x.shape()[2]);
    let group = rows / tokens;
    let x = B::float_reshape(x, [kv_heads, group, tokens, head_dim].into());
    let x = B::float_permute(x, &[2, 0, 1, 3]);
    B::float_reshape(x, [tokens, kv_heads * group * head_dim].into())
}

/// The scaled scores with minus infinity where the mask hides, `[heads, tokens, tokens]`.
fn scores<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    subtree_end: IntTensor<B>,
    positions: IntTensor<B>,
    shape: AttentionShape,
) -> FloatTensor<B> {
    let tokens = subtree_end.shape()[0];
    let scores = B::float_matmul(query, B::float_transpose(key));
    let scores = B::float_reshape(scores, [shape.heads, tokens, tokens].into());
    let mask = B::bool_expand(
        hidden_from::<B>(subtree_end, positions, shape.window),
        [shape.heads, tokens, tokens].into(),
    );
    B::float_mask_fill(
        B::float_mul_scalar(scores, shape.scale.into()),
        mask,
        f64::NEG_INFINITY.into(),
    )
}

/// See [`crate::kernels::DecoderOps::tree_attention_forward`].
pub fn tree_attention_forward<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    subtree_end: IntTensor<B>,
    positions: IntTensor<B>,
    shape: AttentionShape,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        ..
    } = shape;
    let tokens = subtree_end.shape()[0];
    let query = stack::<B>(query, kv_heads, head_dim);
    let key = stack::<B>(key, kv_heads, head_dim);
    let value = stack::<B>(value, kv_heads, head_dim);
    let scores = scores::<B>(query, key, subtree_end, positions, shape);
    let largest = B::float_max_dim(scores.clone(), 2);
    let weights = B::float_exp(B::float_sub(scores, largest.clone()));
    let total = B::float_sum_dim(weights.clone(), 2);
    let weights = B::float_div(weights, total.clone());
    let weights = B::float_reshape(
        weights,
        [kv_heads, heads / kv_heads * tokens, tokens].into(),
    );
    let output = unstack::<B>(B::float_matmul(weights, value), tokens);
    let log_sum_exp = B::float_add(largest, B::float_log(total));
    let log_sum_exp = B::float_reshape(log_sum_exp, [heads, tokens].into());
    (output, B::float_transpose(log_sum_exp))
}

/// See [`crate::kernels::DecoderOps::tree_attention_backward`]. With `P` the attention weights and
/// `D = Σ grad·output` per row: `dS = P ∘ (grad·Vᵀ − D)` (arXiv 2205.14135, appendix B).
#[allow(
    clippy::too_many_arguments,
    reason = "an attention's backward needs all of its forward's tensors"
)]
pub fn tree_attention_backward<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    subtree_end: IntTensor<B>,
    positions: IntTensor<B>,
    output: FloatTensor<B>,
    log_sum_exp: FloatTensor<B>,
    grad: FloatTensor<B>,
    shape: AttentionShape,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale,
        ..
    } = shape;
    let tokens = subtree_end.shape()[0];
    let rows = heads / kv_heads * tokens;
    let query = stack::<B>(query, kv_heads, head_dim);
    let key = stack::<B>(key, kv_heads, head_dim);
    let value = stack::<B>(value, kv_heads, head_dim);
    let output = stack::<B>(output, kv_heads, head_dim);
    let grad = stack::<B>(grad, kv_heads, head_dim);
    let log_sum_exp = B::float_transpose(log_sum_exp);
    let log_sum_exp = B::float_reshape(log_sum_exp, [heads, tokens, 1].into());
    let scores = scores::<B>(query.clone(), key.clone(), subtree_end, positions, shape);
    let weights = B::float_exp(B::float_sub(scores, log_sum_exp));
    let weights = B::float_reshape(weights, [kv_heads, rows, tokens].into());
    let dvalue = B::float_matmul(B::float_transpose(weights.clone()), grad.clone());
    let mean = B::float_sum_dim(B::float_mul(grad.clone(), output), 2);
    let dweights = B::float_matmul(grad, B::float_transpose(value));
    let dscores = B::float_mul(weights, B::float_sub(dweights, mean));
    let dscores = B::float_mul_scalar(dscores, scale.into());
    let dquery = B::float_matmul(dscores.clone(), key);
    let dkey = B::float_matmul(B::float_transpose(dscores), query);
    (
        unstack::<B>(dquery, tokens),
        unstack::<B>(dkey, tokens),
        unstack::<B>(dvalue, tokens),
    )
}
