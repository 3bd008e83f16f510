//! Attention of branches to the trunk that they grow from, with the whole score matrix; and the two parts joined.

use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};

use super::attention::{stack, unstack};
use crate::kernels::AttentionShape;

/// Below every score, and finite: a row that attends to nothing weighs nothing beside another part.
const NOTHING: f64 = -1e30;

/// True where token `q` (row) does not attend to key `k` (column) of the trunk, `[1, tokens, trunk]`.
fn hidden_from<B: Backend>(trunk_end: IntTensor<B>, reach: IntTensor<B>) -> BoolTensor<B> {
    let (tokens, trunk) = (reach.shape()[0], trunk_end.shape()[0]);
    let device = reach.device();
    let bools = get_or_init_device_settings::<B>(&device).bool_dtype;
    let ints = trunk_end.dtype();
    let wide = |x, shape: [usize; 2]| {
        B::int_expand(B::int_reshape(x, shape.into()), [tokens, trunk].into())
    };
    let key = wide(
        B::int_arange(0..trunk as i64, &device, ints.into()),
        [1, trunk],
    );
    let end = wide(trunk_end, [1, trunk]);
    let reach = wide(reach, [tokens, 1]);
    let beyond = B::int_greater_equal(key, reach.clone(), bools);
    let elsewhere = B::int_greater(reach, end, bools);
    B::bool_reshape(B::bool_or(beyond, elsewhere), [1, tokens, trunk].into())
}

/// The scaled scores, hidden where the mask hides, `[heads, tokens, trunk]`.
fn scores<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    trunk_end: IntTensor<B>,
    reach: IntTensor<B>,
    shape: AttentionShape,
) -> FloatTensor<B> {
    let (tokens, trunk) = (reach.shape()[0], trunk_end.shape()[0]);
    let scores = B::float_matmul(query, B::float_transpose(key));
    let scores = B::float_reshape(scores, [shape.heads, tokens, trunk].into());
    let mask = B::bool_expand(
        hidden_from::<B>(trunk_end, reach),
        [shape.heads, tokens, trunk].into(),
    );
    B::float_mask_fill(
        B::float_mul_scalar(scores, shape.scale.into()),
        mask,
        f64::NEG_INFINITY.into(),
    )
}

/// See [`crate::kernels::DecoderOps::trunk_attention_forward`].
pub fn trunk_attention_forward<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    trunk_end: IntTensor<B>,
    reach: IntTensor<B>,
    shape: AttentionShape,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        ..
    } = shape;
    let (tokens, trunk) = (reach.shape()[0], trunk_end.shape()[0]);
    let query = stack::<B>(query, kv_heads, head_dim);
    let key = stack::<B>(key, kv_heads, head_dim);
    let value = stack::<B>(value, kv_heads, head_dim);
    let scores = scores::<B>(query, key, trunk_end, reach, shape);
    let largest = B::float_clamp_min(B::float_max_dim(scores.clone(), 2), NOTHING.into());
    let weights = B::float_exp(B::float_sub(scores, largest.clone()));
    // At least one, but for who attends to nothing.
    let total = B::float_clamp_min(B::float_sum_dim(weights.clone(), 2), 1e-30.into());
    let weights = B::float_div(weights, total.clone());
    let weights = B::float_reshape(weights, [kv_heads, heads / kv_heads * tokens, trunk].into());
    let output = unstack::<B>(B::float_matmul(weights, value), tokens);
    let log_sum_exp = B::float_add(largest, B::float_log(total));
    let log_sum_exp = B::float_reshape(log_sum_exp, [heads, tokens].into());
    (output, B::float_transpose(log_sum_exp))
}

/// See [`crate::kernels::DecoderOps::trunk_attention_backward`]: the queries' part of
/// [`tree_attention_backward`](super::tree_attention_backward).
#[allow(
    clippy::too_many_arguments,
    reason = "an attention's backward needs all of its forward's tensors"
)]
pub fn trunk_attention_backward<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    trunk_end: IntTensor<B>,
    reach: IntTensor<B>,
    output: FloatTensor<B>,
    log_sum_exp: FloatTensor<B>,
    grad: FloatTensor<B>,
    shape: AttentionShape,
) -> FloatTensor<B> {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale,
        ..
    } = shape;
    let (tokens, trunk) = (reach.shape()[0], trunk_end.shape()[0]);
    let rows = heads / kv_heads * tokens;
    let query = stack::<B>(query, kv_heads, head_dim);
    let key = stack::<B>(key, kv_heads, head_dim);
    let value = stack::<B>(value, kv_heads, head_dim);
    let output = stack::<B>(output, kv_heads, head_dim);
    let grad = stack::<B>(grad, kv_heads, head_dim);
    let log_sum_exp = B::float_transpose(log_sum_exp);
    let log_sum_exp = B::float_reshape(log_sum_exp, [heads, tokens, 1].into());
    let scores = scores::<B>(query, key.clone(), trunk_end, reach, shape);
    let weights = B::float_exp(B::float_sub(scores, log_sum_exp));
    let weights = B::float_reshape(weights, [kv_heads, rows, trunk].into());
    let mean = B::float_sum_dim(B::float_mul(grad.clone(), output), 2);
    let dweights = B::float_matmul(grad, B::float_transpose(value));
    let dscores = B::float_mul(weights, B::float_sub(dweights, mean));
    let dscores = B::float_mul_scalar(dscores, scale.into());
    unstack::<B>(B::float_matmul(dscores, key), tokens)
}

/// One attention of two over different keys: outputs `[tokens, heads * head_dim]` and log-sum-exps `[tokens, heads]` of
/// each part, weighed by their shares of the sum (arXiv 2205.14135, §3.1).
pub fn joined<B: Backend>(
    (output, log_sum_exp): (FloatTensor<B>, FloatTensor<B>),
    (other, other_log_sum_exp): (FloatTensor<B>, FloatTensor<B>),
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (tokens, width) = (output.shape()[0], output.shape()[1]);
    let heads = log_sum_exp.shape()[1];
    // The first part is never empty: a token attends to itself.
    let less = B::float_sub(other_log_sum_exp, log_sum_exp.clone());
    // log(1 + e^x) without overflow: max(x, 0) + log(1 + e^−|x|).
    let gain = B::float_add(
        B::float_clamp_min(less.clone(), 0.0.into()),
        B::float_log1p(B::float_exp(B::float_neg(B::float_abs(less.clone())))),
    );
    let wide = |x| {
        let x = B::float_reshape(x, [tokens, heads, 1].into());
        B::float_expand(x, [tokens, heads, width / heads].into())
    };
    let split = |x| B::float_reshape(x, [tokens, heads, width / heads].into());
    let share = B::float_exp(B::float_neg(gain.clone()));
    let other_share = B::float_exp(B::float_sub(less, gain.clone()));
    let output = B::float_add(
        B::float_mul(split(output), wide(share)),
        B::float_mul(split(other), wide(other_share)),
    );
    (
        B::float_reshape(output, [tokens, width].into()),
        B::float_add(log_sum_exp, gain),
    )
}
