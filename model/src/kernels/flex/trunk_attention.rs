//! What branches attend to in the trunk that they grow from, forward and backward.
//!
//! A task owns a block of queries. Blocks of scores are as in [`super::attention`]; the keys are the trunk's alone, and
//! gradients reach the queries alone. Formulas: [`crate::kernels::composed::trunk_attention_forward`].

use std::ops::Range;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::attention::softmax;
use super::mask::{Block, Mask, runs};
use super::matrix::{Matrix, transpose};
use super::product::multiply_in;
use super::real::{Real, contiguous, elements, indices, sum, tensor, vectorized};
use crate::kernels::AttentionShape;

/// Queries of one task.
const QUERIES: usize = 96;

/// The trunk's keys and values, and who attends to what.
struct Trunk<'a, R> {
    key: &'a [R],
    value: &'a [R],
    /// With a row for each of its columns, `[kv_heads * head_dim, trunk]`.
    key_columns: Vec<R>,
    mask: Mask,
    reach: Vec<usize>,
    shape: AttentionShape,
}

/// What a block of queries sees of the trunk.
struct Seen {
    /// The tiles' blocks, of all the queries.
    blocks: Vec<Block>,
    /// Neighbouring keys, multiplied at once.
    runs: Vec<Range<usize>>,
    columns: usize,
}

impl<R: Real> Trunk<'_, R> {
    /// What the queries see; queries that grow from nothing see nothing.
    fn seen(&self, queries: &Range<usize>) -> Seen {
        let reach = self.reach[queries.clone()].iter();
        let places = reach.filter_map(|reach| reach.checked_sub(1));
        let (first, last) = places.fold((usize::MAX, 0), |(first, last), place| {
            (first.min(place), last.max(place))
        });
        let blocks: Vec<Block> = match first {
            usize::MAX => Vec::new(),
            _ => (0..self.mask.tiles())
                .filter_map(|tile| self.mask.block(&(first..last + 1), tile))
                .map(|block| Block {
                    // All that is seen of these keys: by every place between the first and the last.
                    full: block.full && block.queries == (first..last + 1),
                    ..block
                })
                .collect(),
        };
        let runs = runs(&blocks);
        let columns = runs.iter().map(Range::len).sum();
        Seen {
            blocks,
            runs,
            columns,
        }
    }

    /// The scores of a head's queries, hidden where they do not attend.
    fn scores(
        &self,
        seen: &Seen,
        queries: &Range<usize>,
        of_head: Matrix<'_, R>,
        kv: usize,
        scores: &mut [R],
    ) {
        let trunk = self.mask.tokens();
        let mut column = 0;
        for keys in &seen.runs {
            let of_run = &self.key_columns[kv * trunk + keys.start..];
            let keys_matrix = Matrix::new(of_run, self.shape.head_dim, keys.len(), trunk);
            let scores = &mut scores[column..];
            let (precision, columns) = (self.shape.precision, seen.columns);
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
        for Block { keys, full, .. } in &seen.blocks {
            let rows = scores
                .chunks_mut(seen.columns)
                .zip(&self.reach[queries.clone()]);
            for (row, &reach) in rows {
                let row = &mut row[column..column + keys.len()];
                match reach.checked_sub(1) {
                    None => row.fill(R::neg_infinity()),
                    Some(_) if *full => {}
                    Some(place) => self.mask.hide(row, place, keys.clone(), R::neg_infinity()),
                }
            }
            column += keys.len();
        }
    }
}

/// See [`crate::kernels::DecoderOps::trunk_attention_forward`].
pub fn forward<R: Real>(
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
    trunk_end: FlexTensor,
    reach: FlexTensor,
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
    let [query, key, value] = [query, key, value].map(contiguous);
    let query = elements::<R>(&query);
    let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
    let mask = Mask::new(indices(trunk_end), Vec::new, None);
    let trunk = Trunk::<R> {
        key: elements(&key),
        value: elements(&value),
        key_columns: transpose(elements(&key), mask.tokens(), kv_width),
        reach: indices(reach),
        mask,
        shape,
    };
    let tokens = trunk.reach.len();
    let mut output = vec![R::zero(); tokens * width];
    let mut log_sum_exp = vec![R::neg_infinity(); tokens * heads];
    output
        .par_chunks_mut(QUERIES * width)
        .zip(log_sum_exp.par_chunks_mut(QUERIES * heads))
        .enumerate()
        .for_each_init(Vec::new, |scores, (block, (output, log_sum_exp))| {
            let queries = block * QUERIES..((block + 1) * QUERIES).min(tokens);
            let rows = queries.len();
            let seen = trunk.seen(&queries);
            let columns = seen.columns;
            if columns == 0 {
                return;
            }
            scores.clear();
            scores.resize(rows * columns, R::zero());
            for head in 0..heads {
                let kv = head / (heads / kv_heads) * head_dim;
                let at = queries.start * width + head * head_dim;
                let of_head = Matrix::new(&query[at..], rows, head_dim, width);
                trunk.scores(&seen, &queries, of_head, kv, scores);
                let mut totals = vectorized(
                    #[inline(always)]
                    || {
                        let log_sum_exp = &mut log_sum_exp[head..];
                        softmax(scores, columns, R::of(scale), log_sum_exp, heads)
                    },
                );
                // A softmax over nothing is no number: what grows from nothing has no weights here.
                for (row, scores) in scores.chunks_mut(columns).enumerate() {
                    if trunk.reach[queries.start + row] == 0 {
                        scores.fill(R::zero());
                        totals[row] = R::of(1.0);
                        log_sum_exp[row * heads + head] = R::neg_infinity();
                    }
                }
                let mut column = 0;
                let mixed = &mut output[head * head_dim..];
                for (index, keys) in seen.runs.iter().enumerate() {
                    let weights = Matrix::new(&scores[column..], rows, keys.len(), columns);
                    let of_run = &trunk.value[keys.start * kv_width + kv..];
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

/// See [`crate::kernels::DecoderOps::trunk_attention_backward`].
#[allow(
    clippy::too_many_arguments,
    reason = "an attention's backward needs all of its forward's tensors"
)]
pub fn backward<R: Real>(
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
    trunk_end: FlexTensor,
    reach: FlexTensor,
    output: FlexTensor,
    log_sum_exp: FlexTensor,
    grad: FlexTensor,
    shape: AttentionShape,
) -> FlexTensor {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale,
        precision,
        ..
    } = shape;
    let [query, key, value, output, log_sum_exp, grad] =
        [query, key, value, output, log_sum_exp, grad].map(contiguous);
    let (query, grad) = (elements::<R>(&query), elements::<R>(&grad));
    let (output, log_sum_exp) = (elements::<R>(&output), elements::<R>(&log_sum_exp));
    let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
    let mask = Mask::new(indices(trunk_end), Vec::new, None);
    let length = mask.tokens();
    let trunk = Trunk::<R> {
        key: elements(&key),
        value: elements(&value),
        key_columns: transpose(elements(&key), length, kv_width),
        reach: indices(reach),
        mask,
        shape,
    };
    let value_columns = transpose(trunk.value, length, kv_width);
    let tokens = trunk.reach.len();
    let mut dquery = vec![R::zero(); tokens * width];
    dquery
        .par_chunks_mut(QUERIES * width)
        .enumerate()
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(weights, dscores), (block, dquery)| {
                let queries = block * QUERIES..((block + 1) * QUERIES).min(tokens);
                let rows = queries.len();
                let seen = trunk.seen(&queries);
                let columns = seen.columns;
                if columns == 0 {
                    return;
                }
                for buffer in [&mut *weights, &mut *dscores] {
                    buffer.clear();
                    buffer.resize(rows * columns, R::zero());
                }
                for head in 0..heads {
                    let kv = head / (heads / kv_heads) * head_dim;
                    let at = queries.start * width + head * head_dim;
                    let of_head = Matrix::new(&query[at..], rows, head_dim, width);
                    trunk.scores(&seen, &queries, of_head, kv, weights);
                    let grads = Matrix::new(&grad[at..], rows, head_dim, width);
                    let mut column = 0;
                    for keys in &seen.runs {
                        let of_run = &value_columns[kv * length + keys.start..];
                        let values = Matrix::new(of_run, head_dim, keys.len(), length);
                        let dscores = &mut dscores[column..];
                        multiply_in(precision, dscores, columns, grads, values, false, false);
                        column += keys.len();
                    }
                    vectorized(
                        #[inline(always)]
                        || {
                            let scale = R::of(scale);
                            let both = weights.chunks_mut(columns).zip(dscores.chunks_mut(columns));
                            for (row, (weights, dscores)) in both.enumerate() {
                                let token = queries.start + row;
                                let log_sum_exp = log_sum_exp[token * heads + head];
                                let at = token * width + head * head_dim;
                                let mean = sum(head_dim, |i| grad[at + i] * output[at + i]);
                                for i in 0..columns {
                                    let weight = (weights[i] * scale - log_sum_exp).exponential();
                                    dscores[i] = weight * (dscores[i] - mean) * scale;
                                }
                            }
                        },
                    );
                    let mut column = 0;
                    for (index, keys) in seen.runs.iter().enumerate() {
                        let dscores = Matrix::new(&dscores[column..], rows, keys.len(), columns);
                        let of_run = &trunk.key[keys.start * kv_width + kv..];
                        let keys_matrix = Matrix::new(of_run, keys.len(), head_dim, kv_width);
                        let dquery = &mut dquery[head * head_dim..];
                        multiply_in(
                            precision,
                            dquery,
                            width,
                            dscores,
                            keys_matrix,
                            index > 0,
                            false,
                        );
                        column += keys.len();
                    }
                }
            },
        );
    tensor(dquery, [tokens, width])
}
