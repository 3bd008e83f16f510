//! Attention over a prefix forest, forward.
//!
//! A task computes the scores of a block of queries on the keys that the mask leaves, tile by tile, their softmax,
//! and the mix of values. Nothing of the size tokens × tokens exists.

use std::ops::Range;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::mask::{Block, Mask, runs};
use super::matrix::{Matrix, transpose};
use super::product::multiply_in;
use super::real::{Real, contiguous, elements, indices, tensor, vectorized};
use super::softmax::{exponentials, largest};
use crate::kernels::AttentionShape;

/// Queries of one task.
const QUERIES: usize = 96;

/// See [`crate::kernels::DecoderOps::tree_attention_forward`].
pub fn forward<R: Real>(
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
    subtree_end: FlexTensor,
    positions: FlexTensor,
    shape: AttentionShape,
) -> (FlexTensor, FlexTensor) {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale,
        precision,
        ..
    } = shape;
    let (query, key, value) = (contiguous(query), contiguous(key), contiguous(value));
    let (query, key, value) = (
        elements::<R>(&query),
        elements::<R>(&key),
        elements::<R>(&value),
    );
    let mask = Mask::new(indices(subtree_end), || indices(positions), shape.window);
    let tokens = mask.tokens();
    let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
    // Once, so that no tile's product has to.
    let key = transpose(key, tokens, kv_width);
    let mut output = vec![R::zero(); tokens * width];
    let mut log_sum_exp = vec![R::zero(); tokens * heads];
    output
        .par_chunks_mut(QUERIES * width)
        .zip(log_sum_exp.par_chunks_mut(QUERIES * heads))
        .enumerate()
        .for_each_init(Vec::new, |scores, (block, (output, log_sum_exp))| {
            let queries = block * QUERIES..((block + 1) * QUERIES).min(tokens);
            let rows = queries.len();
            let blocks: Vec<Block> = (0..mask.tiles())
                .filter_map(|tile| mask.block(&queries, tile))
                .collect();
            let runs = runs(&blocks);
            let columns: usize = runs.iter().map(Range::len).sum();
            scores.clear();
            scores.resize(rows * columns, R::zero());
            for head in 0..heads {
                let kv = head / (heads / kv_heads) * head_dim;
                let of_head = Matrix::new(
                    &query[queries.start * width + head * head_dim..],
                    rows,
                    head_dim,
                    width,
                );
                let mut column = 0;
                for keys in &runs {
                    let of_run = &key[kv * tokens + keys.start..];
                    let keys_matrix = Matrix::new(of_run, head_dim, keys.len(), tokens);
                    let scores = &mut scores[column..];
                    multiply_in(
                        precision,
                        scores,
                        columns,
                        of_head,
                        keys_matrix,
                        false,
                        false,
                    );
                    column += keys.len();
                }
                let mut column = 0;
                for Block {
                    queries: seeing,
                    keys,
                    full,
                } in &blocks
                {
                    // Of a block's queries here even those count that see none of its keys.
                    if !full || *seeing != queries {
                        for (row, scores) in scores.chunks_mut(columns).enumerate() {
                            let scores = &mut scores[column..column + keys.len()];
                            mask.hide(scores, queries.start + row, keys.clone(), R::neg_infinity());
                        }
                    }
                    column += keys.len();
                }
                let totals = vectorized(
                    #[inline(always)]
                    || {
                        let log_sum_exp = &mut log_sum_exp[head..];
                        softmax(scores, columns, R::of(scale), log_sum_exp, heads)
                    },
                );
                let mut column = 0;
                let mixed = &mut output[head * head_dim..];
                for (index, keys) in runs.iter().enumerate() {
                    let weights = Matrix::new(&scores[column..], rows, keys.len(), columns);
                    let of_run = &value[keys.start * kv_width + kv..];
                    let values = Matrix::new(of_run, keys.len(), head_dim, kv_width);
                    multiply_in(precision, mixed, width, weights, values, index > 0, false);
                    column += keys.len();
                }
                for (row, total) in mixed.chunks_mut(width).zip(totals) {
                    for element in &mut row[..head_dim] {
                        *element = *element * total.recip();
                    }
                }
            }
        });
    (
        tensor(output, [tokens, width]),
        tensor(log_sum_exp, [tokens, heads]),
    )
}

/// Turns rows of scores into `exp(scale · (score − largest))`; returns each row's sum and writes its log-sum-exp to
/// every `stride`-th element of `log_sum_exp`.
#[inline(always)]
pub fn softmax<R: Real>(
    scores: &mut [R],
    columns: usize,
    scale: R,
    log_sum_exp: &mut [R],
    stride: usize,
) -> Vec<R> {
    let mut totals = vec![R::zero(); scores.len() / columns];
    // A loop, not an iterator that is collected: what is not inlined here is not vectorized.
    for (row, scores) in scores.chunks_mut(columns).enumerate() {
        let most = largest(scores);
        let total = exponentials(scores, most, scale);
        log_sum_exp[row * stride] = most * scale + total.ln();
        totals[row] = total;
    }
    totals
}
