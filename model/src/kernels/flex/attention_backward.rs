//! Attention over a prefix forest, backward.
//!
//! A task owns every n-th tile of keys (n the number of threads): it recomputes the attention weights of each tile
//! from the log-sum-exp, tile by tile of queries, and with them makes the gradients of its keys and values, and its
//! share of the gradients of the queries. Formulas: [`crate::kernels::composed::tree_attention_backward`].

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::mask::{Block, KEYS, Mask};
use super::matrix::{Matrix, transpose};
use super::product::multiply_in;
use super::real::{Real, contiguous, elements, indices, sum, tensor, vectorized};
use crate::kernels::AttentionShape;

/// Queries of one tile of scores.
const QUERIES: usize = 512;

/// What every task reads.
struct Inputs<'a, R> {
    query: &'a [R],
    key: &'a [R],
    /// Keys and values with a row for each of their columns, `[kv_heads * head_dim, tokens]`.
    key_columns: Vec<R>,
    value_columns: Vec<R>,
    grad: &'a [R],
    log_sum_exp: &'a [R],
    /// `Σ grad · output` of each query and head, `[tokens, heads]`.
    means: Vec<R>,
    mask: Mask,
    shape: AttentionShape,
}

/// A tile of keys with what is made of it.
struct KeyTile<'a, R> {
    tile: usize,
    dkey: &'a mut [R],
    dvalue: &'a mut [R],
}

/// See [`crate::kernels::DecoderOps::tree_attention_backward`].
#[allow(
    clippy::too_many_arguments,
    reason = "an attention's backward needs all of its forward's tensors"
)]
pub fn backward<R: Real>(
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
    subtree_end: FlexTensor,
    positions: FlexTensor,
    output: FlexTensor,
    log_sum_exp: FlexTensor,
    grad: FlexTensor,
    shape: AttentionShape,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let [query, key, value, output, log_sum_exp, grad] =
        [query, key, value, output, log_sum_exp, grad].map(contiguous);
    let mask = Mask::new(indices(subtree_end), || indices(positions), shape.window);
    let tokens = mask.tokens();
    let (width, kv_width) = (
        shape.heads * shape.head_dim,
        shape.kv_heads * shape.head_dim,
    );
    let inputs = Inputs::<R> {
        query: elements(&query),
        key: elements(&key),
        key_columns: transpose(elements(&key), tokens, kv_width),
        value_columns: transpose(elements(&value), tokens, kv_width),
        grad: elements(&grad),
        log_sum_exp: elements(&log_sum_exp),
        means: means(elements::<R>(&grad), elements(&output), shape.head_dim),
        mask,
        shape,
    };
    let mut dkey = vec![R::zero(); tokens * kv_width];
    let mut dvalue = vec![R::zero(); tokens * kv_width];
    let workers = rayon::current_num_threads().clamp(1, inputs.mask.tiles().max(1));
    let mut shares: Vec<Vec<KeyTile<'_, R>>> = (0..workers).map(|_| Vec::new()).collect();
    let tiles = dkey
        .chunks_mut(KEYS * kv_width)
        .zip(dvalue.chunks_mut(KEYS * kv_width));
    for (tile, (dkey, dvalue)) in tiles.enumerate() {
        shares[tile % workers].push(KeyTile { tile, dkey, dvalue });
    }
    let mut dqueries = shares
        .into_par_iter()
        .map(|share| inputs.gradients(share))
        .collect::<Vec<_>>();
    let mut dquery = dqueries.swap_remove(0);
    for other in dqueries {
        dquery
            .par_iter_mut()
            .zip(other)
            .for_each(|(total, part)| *total += part);
    }
    (
        tensor(dquery, [tokens, width]),
        tensor(dkey, [tokens, kv_width]),
        tensor(dvalue, [tokens, kv_width]),
    )
}

/// `Σ grad · output` over each head.
fn means<R: Real>(grad: &[R], output: &[R], head_dim: usize) -> Vec<R> {
    let heads = grad.par_chunks(head_dim).zip(output.par_chunks(head_dim));
    heads
        .with_min_len(256)
        .map(|(grad, output)| sum(head_dim, |i| grad[i] * output[i]))
        .collect()
}

impl<R: Real> Inputs<'_, R> {
    /// Makes the gradients of a share of the keys and values; returns its share of the queries' gradients.
    fn gradients(&self, share: Vec<KeyTile<'_, R>>) -> Vec<R> {
        let tokens = self.mask.tokens();
        let mut dquery = vec![R::zero(); tokens * self.shape.heads * self.shape.head_dim];
        let tile = || vec![R::zero(); QUERIES * KEYS];
        let (mut weights, mut dscores) = (tile(), tile());
        for mut keys in share {
            let first = keys.tile * KEYS;
            let last = self.mask.last_query(keys.tile);
            let mut start = first;
            while start < last {
                // Tiles of queries begin at multiples, so that the diagonal is met once.
                let queries = start..((start / QUERIES + 1) * QUERIES).min(last);
                if let Some(block) = self.mask.block(&queries, keys.tile) {
                    for head in 0..self.shape.heads {
                        let buffers = (&mut weights[..], &mut dscores[..]);
                        self.block(&mut keys, &block, head, buffers, &mut dquery);
                    }
                }
                start = queries.end;
            }
        }
        dquery
    }

    /// Adds the gradients that come from one head's scores in a block of a tile of keys.
    fn block(
        &self,
        keys: &mut KeyTile<'_, R>,
        block: &Block,
        head: usize,
        (weights, dscores): (&mut [R], &mut [R]),
        dquery: &mut [R],
    ) {
        let AttentionShape {
            heads,
            kv_heads,
            head_dim,
            scale,
            precision,
            ..
        } = self.shape;
        let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
        let (queries, range) = (&block.queries, &block.keys);
        let (rows, columns) = (queries.len(), range.len());
        let kv = head / (heads / kv_heads) * head_dim;
        let in_tile = (range.start - self.mask.keys(keys.tile).start) * kv_width + kv;
        let at = queries.start * width + head * head_dim;
        let query = Matrix::new(&self.query[at..], rows, head_dim, width);
        let grad = Matrix::new(&self.grad[at..], rows, head_dim, width);
        let at_keys = range.start * kv_width + kv;
        let key = Matrix::new(&self.key[at_keys..], columns, head_dim, kv_width);
        let (tokens, in_columns) = (self.mask.tokens(), kv * self.mask.tokens() + range.start);
        let [key_columns, value_columns] = [&self.key_columns, &self.value_columns]
            .map(|all| Matrix::new(&all[in_columns..], head_dim, columns, tokens));

        multiply_in(
            precision,
            weights,
            columns,
            query,
            key_columns,
            false,
            false,
        );
        if !block.full {
            for (query, scores) in queries.clone().zip(weights.chunks_mut(columns)) {
                self.mask
                    .hide(scores, query, range.clone(), R::neg_infinity());
            }
        }
        multiply_in(
            precision,
            dscores,
            columns,
            grad,
            value_columns,
            false,
            false,
        );
        vectorized(
            #[inline(always)]
            || {
                let scale = R::of(scale);
                let scores = weights.chunks_mut(columns).zip(dscores.chunks_mut(columns));
                for (query, (weights, dscores)) in queries.clone().zip(scores) {
                    let log_sum_exp = self.log_sum_exp[query * heads + head];
                    let mean = self.means[query * heads + head];
                    for i in 0..columns {
                        weights[i] = (weights[i] * scale - log_sum_exp).exponential();
                        dscores[i] = weights[i] * (dscores[i] - mean) * scale;
                    }
                }
            },
        );
        let weights = Matrix::new(weights, rows, columns, columns);
        let dscores = Matrix::new(dscores, rows, columns, columns);
        multiply_in(
            precision,
            &mut keys.dvalue[in_tile..],
            kv_width,
            weights.transposed(),
            grad,
            true,
            false,
        );
        multiply_in(
            precision,
            &mut keys.dkey[in_tile..],
            kv_width,
            dscores.transposed(),
            query,
            true,
            false,
        );
        multiply_in(
            precision,
            &mut dquery[at..],
            width,
            dscores,
            key,
            true,
            false,
        );
    }
}
