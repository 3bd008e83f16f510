//! Attention of new tokens on kept keys and values, which are read where they lie.

mod token;

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use burn::tensor::DType;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::matrix::Matrix;
use super::product::multiply_in;
use super::real::{Real, contiguous, elements, tensor, vectorized, whole};
use super::softmax::{exponentials, largest};
use crate::kernels::{AttentionShape, CacheRun};

/// Tokens of a run that are one task.
const QUERIES: usize = 128;
/// From so many tokens on a task computes products of matrices.
const MATRIX: usize = 8;

/// See [`crate::kernels::cached_attention`].
pub fn forward<R: Real>(
    query: FlexTensor,
    key: FlexTensor,
    value: FlexTensor,
    keys: FlexTensor,
    values: FlexTensor,
    runs: &[CacheRun],
    shape: AttentionShape,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (query, key, value) = (contiguous(query), contiguous(key), contiguous(value));
    let (mut keys, mut values) = (whole(keys), whole(values));
    let kv_width = shape.kv_heads * shape.head_dim;
    for (cache, new) in [(&mut keys, &key), (&mut values, &value)] {
        let (cache, new) = (cache.storage_mut::<R>(), elements::<R>(new));
        for run in runs {
            let (to, from) = (run.slots(), run.rows.clone());
            cache[to.start * kv_width..to.end * kv_width]
                .copy_from_slice(&new[from.start * kv_width..from.end * kv_width]);
        }
    }
    let query = elements::<R>(&query);
    let width = shape.heads * shape.head_dim;
    let mut output = vec![R::zero(); query.len()];
    {
        let cached = Cached {
            keys: elements::<R>(&keys),
            values: elements::<R>(&values),
            shape,
        };
        let (large, small): (Vec<_>, Vec<_>) = tasks(&mut output, runs, width)
            .into_iter()
            .partition(|task| task.rows.len() >= MATRIX);
        large
            .into_par_iter()
            .for_each_init(Vec::new, |scores, task| {
                cached.block(task, query, scores);
            });
        let single = read_together(small, query, &cached);
        single.into_par_iter().for_each(|task| {
            let query = task.query(query, width);
            let before = task.run.before() + task.rows.start + 1;
            let from = first_seen(before, shape.window);
            let places = places(task.run, from, task.rows.end);
            let head_rows = task
                .output
                .par_chunks_mut(width)
                .zip(query.par_chunks(width));
            head_rows.enumerate().for_each(|(row, (output, query))| {
                let first = first_seen(before + row, shape.window) - from;
                let seen = first..before + row - from;
                cached.token(query, &places, seen, output);
            });
        });
    }
    let tokens = output.len() / width;
    (tensor(output, [tokens, width]), keys, values)
}

/// Some of a run's tokens.
struct Task<'a, R> {
    run: &'a CacheRun,
    /// Counted from the run's first.
    rows: Range<usize>,
    output: &'a mut [R],
}

impl<R> Task<'_, R> {
    /// The task's rows of the pass's `query`.
    fn query<'q>(&self, query: &'q [R], width: usize) -> &'q [R] {
        let first = self.run.rows.start + self.rows.start;
        &query[first * width..(first + self.rows.len()) * width]
    }
}

/// Computes tasks of few tokens with each part of the cache read once for all of them, where there is a kernel for it;
/// returns the tasks that are left.
#[cfg(target_arch = "x86_64")]
fn read_together<'a, R: Real>(
    tasks: Vec<Task<'a, R>>,
    query: &[R],
    cached: &Cached<'_, R>,
) -> Vec<Task<'a, R>> {
    use super::shared_attention::{Query, attend, is_supported};
    let shape = &cached.shape;
    if R::dtype() != DType::F32 || !is_supported(shape) {
        return tasks;
    }
    let width = shape.heads * shape.head_dim;
    let mut queries = Vec::new();
    for task in tasks {
        let query: &[f32] = bytemuck::cast_slice(task.query(query, width));
        let output: &mut [f32] = bytemuck::cast_slice_mut(task.output);
        let rows = query
            .chunks_exact(width)
            .zip(output.chunks_exact_mut(width));
        let before = task.run.before();
        queries.extend(rows.zip(task.rows).map(|((query, output), row)| {
            let from = first_seen(before + row + 1, shape.window);
            Query {
                query,
                places: places(task.run, from, row + 1),
                output,
            }
        }));
    }
    let [keys, values] = [cached.keys, cached.values].map(bytemuck::cast_slice);
    attend(queries, keys, values, shape);
    Vec::new()
}

#[cfg(not(target_arch = "x86_64"))]
fn read_together<'a, R: Real>(
    tasks: Vec<Task<'a, R>>,
    _: &[R],
    _: &Cached<'_, R>,
) -> Vec<Task<'a, R>> {
    tasks
}

fn tasks<'a, R>(mut output: &'a mut [R], runs: &'a [CacheRun], width: usize) -> Vec<Task<'a, R>> {
    let mut tasks = Vec::new();
    for run in runs {
        for start in (0..run.rows.len()).step_by(QUERIES) {
            let rows = start..(start + QUERIES).min(run.rows.len());
            let (of_task, rest) = std::mem::take(&mut output).split_at_mut(rows.len() * width);
            output = rest;
            tasks.push(Task {
                run,
                rows,
                output: of_task,
            });
        }
    }
    tasks
}

/// The first position that the last of so many tokens attends to.
fn first_seen(tokens: usize, window: Option<usize>) -> usize {
    window.map_or(0, |window| tokens.saturating_sub(window))
}

/// The cache's rows of the tokens from position `from` on, the last of which is the run's before `end`, in the order of their
/// positions.
fn places(run: &CacheRun, from: usize, end: usize) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = run.context.clone();
    match places.last_mut() {
        Some(last) if last.end == run.slot => last.end += end,
        _ => places.push(run.slot..run.slot + end),
    }
    let mut left_out = from;
    places.retain_mut(|place| {
        let skipped = place.len().min(left_out);
        left_out -= skipped;
        place.start += skipped;
        place.start < place.end
    });
    places
}

struct Cached<'a, R> {
    keys: &'a [R],
    values: &'a [R],
    shape: AttentionShape,
}

impl<R: Real> Cached<'_, R> {
    /// A task's tokens, as products of matrices; `query` is the whole pass's.
    fn block(&self, task: Task<'_, R>, query: &[R], scores: &mut Vec<R>) {
        let AttentionShape {
            heads,
            kv_heads,
            head_dim,
            scale,
            precision,
            window,
        } = self.shape;
        let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
        let query = task.query(query, width);
        let Task { run, rows, output } = task;
        let count = rows.len();
        let last = run.before() + rows.end;
        let from = first_seen(last + 1 - count, window);
        let places = places(run, from, rows.end);
        let columns = last - from;
        scores.clear();
        scores.resize(count * columns, R::zero());
        for head in 0..heads {
            let kv = head / (heads / kv_heads) * head_dim;
            let of_head = Matrix::new(&query[head * head_dim..], count, head_dim, width);
            let mut column = 0;
            for place in &places {
                let keys = &self.keys[place.start * kv_width + kv..];
                let keys = Matrix::new(keys, place.len(), head_dim, kv_width).transposed();
                let scores = &mut scores[column..];
                multiply_in(precision, scores, columns, of_head, keys, false, false);
                column += place.len();
            }
            let totals = vectorized(
                #[inline(always)]
                || {
                    let mut totals = [R::zero(); QUERIES];
                    for (row, scores) in scores.chunks_mut(columns).enumerate() {
                        // Those after the token are hidden from it, and those before its window.
                        let (scores, hidden) = scores.split_at_mut(columns + 1 + row - count);
                        hidden.fill(R::zero());
                        let first = first_seen(from + scores.len(), window) - from;
                        let (hidden, seen) = scores.split_at_mut(first);
                        hidden.fill(R::zero());
                        let most = largest(seen);
                        totals[row] = exponentials(seen, most, R::of(scale));
                    }
                    totals
                },
            );
            let mut column = 0;
            let mixed = &mut output[head * head_dim..];
            for (index, place) in places.iter().enumerate() {
                let weights = Matrix::new(&scores[column..], count, place.len(), columns);
                let values = &self.values[place.start * kv_width + kv..];
                let values = Matrix::new(values, place.len(), head_dim, kv_width);
                multiply_in(precision, mixed, width, weights, values, index > 0, false);
                column += place.len();
            }
            for (row, total) in mixed.chunks_mut(width).zip(totals) {
                for element in &mut row[..head_dim] {
                    *element = *element * total.recip();
                }
            }
        }
    }
}
