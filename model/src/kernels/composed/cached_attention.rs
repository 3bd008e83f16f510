//! Attention on kept keys and values, a run at a time.

use std::ops::Range;

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::Slice;

use super::attention::{stack, unstack};
use crate::kernels::{AttentionShape, CacheRun};

/// See [`crate::kernels::cached_attention`].
pub fn cached_attention<B: Backend>(
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    mut keys: FloatTensor<B>,
    mut values: FloatTensor<B>,
    runs: &[CacheRun],
    shape: AttentionShape,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    for run in runs {
        let slots = [rows(run.slots()), Slice::from(..)];
        let new = |of: &FloatTensor<B>| slice::<B>(of, run.rows.clone());
        keys = B::float_slice_assign(keys, &slots, new(&key));
        values = B::float_slice_assign(values, &slots, new(&value));
    }
    let outputs = runs
        .iter()
        .map(|run| {
            let of_run = slice::<B>(&query, run.rows.clone());
            attend::<B>(
                of_run,
                gather::<B>(&keys, run),
                gather::<B>(&values, run),
                shape,
            )
        })
        .collect::<Vec<_>>();
    let output = match outputs.len() {
        0 => query,
        _ => B::float_cat(outputs, 0),
    };
    (output, keys, values)
}

/// The rows of a run's context, then its own.
fn gather<B: Backend>(cache: &FloatTensor<B>, run: &CacheRun) -> FloatTensor<B> {
    let own = run.slots();
    let parts = run.context.iter().cloned().chain([own]);
    let mut parts: Vec<_> = parts
        .filter(|part| !part.is_empty())
        .map(|part| slice::<B>(cache, part))
        .collect();
    match parts.len() {
        1 => parts.remove(0),
        _ => B::float_cat(parts, 0),
    }
}

/// The run's tokens are the last of `keys` and `values`.
fn attend<B: Backend>(
    query: FloatTensor<B>,
    keys: FloatTensor<B>,
    values: FloatTensor<B>,
    shape: AttentionShape,
) -> FloatTensor<B> {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        ..
    } = shape;
    let (tokens, all) = (query.shape()[0], keys.shape()[0]);
    let window = shape.window.unwrap_or(usize::MAX);
    let hides = tokens > 1 || window < all;
    let hidden = hides.then(|| hidden::<B>(&query, tokens, all, window));
    let query = stack::<B>(query, kv_heads, head_dim);
    let keys = stack::<B>(keys, kv_heads, head_dim);
    let values = stack::<B>(values, kv_heads, head_dim);
    let scores = B::float_matmul(query, B::float_transpose(keys));
    let scores = B::float_reshape(scores, [heads, tokens, all].into());
    let scores = B::float_mul_scalar(scores, shape.scale.into());
    let scores = match hidden {
        Some(hidden) => B::float_mask_fill(
            scores,
            B::bool_expand(hidden, [heads, tokens, all].into()),
            f64::NEG_INFINITY.into(),
        ),
        None => scores,
    };
    let largest = B::float_max_dim(scores.clone(), 2);
    let weights = B::float_exp(B::float_sub(scores, largest));
    let weights = B::float_div(weights.clone(), B::float_sum_dim(weights, 2));
    let weights = B::float_reshape(weights, [kv_heads, heads / kv_heads * tokens, all].into());
    unstack::<B>(B::float_matmul(weights, values), tokens)
}

/// True where a token (row) comes before another one (column, of which the last `tokens` are the rows' own), or a window or
/// more after it, `[1, tokens, all]`.
fn hidden<B: Backend>(
    beside: &FloatTensor<B>,
    tokens: usize,
    all: usize,
    window: usize,
) -> BoolTensor<B> {
    let device = beside.device();
    let settings = get_or_init_device_settings::<B>(&device);
    let range =
        |from: usize, to: usize| B::int_arange(from as i64..to as i64, &device, settings.int_dtype);
    let row = B::int_reshape(range(all - tokens, all), [1, tokens, 1].into());
    let column = B::int_reshape(range(0, all), [1, 1, all].into());
    let shape = [1, tokens, all];
    let column = B::int_expand(column, shape.into());
    let row = B::int_expand(row, shape.into());
    let later = B::int_greater(column.clone(), row.clone(), settings.bool_dtype);
    if window >= all {
        return later;
    }
    let back = B::int_sub(row, column);
    let far = B::int_greater_equal_elem(back, (window as i64).into(), settings.bool_dtype);
    B::bool_or(later, far)
}

fn slice<B: Backend>(of: &FloatTensor<B>, range: Range<usize>) -> FloatTensor<B> {
    B::float_slice(of.clone(), &[rows(range), Slice::from(..)])
}

fn rows(range: Range<usize>) -> Slice {
    Slice::from(range)
}
