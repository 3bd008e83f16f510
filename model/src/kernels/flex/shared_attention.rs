//! Attention of single tokens on kept keys and values: a step of generation.
//!
//! Such a step is as fast as keys and values can be read. So each is read once for all query heads and for all sequences
//! that have it in their context: the cache is cut where contexts begin or end, and each part is one task for all that
//! see it. Its outputs are put together by their largest scores (arXiv 1805.02867).

mod avx512;

use std::ops::Range;

use rayon::prelude::*;

use super::real::vectorized;
use super::softmax::{exponentials, largest};
use super::spans::{Span, spans};
use crate::kernels::AttentionShape;

/// A token and what it sees.
pub struct Query<'a> {
    /// `[heads * head_dim]`.
    pub query: &'a [f32],
    /// The cache's rows of the tokens before it and of its own.
    pub places: Vec<Range<usize>>,
    /// `[heads * head_dim]`.
    pub output: &'a mut [f32],
}

/// Whether [`attend`] works here.
pub fn is_supported(shape: &AttentionShape) -> bool {
    is_x86_feature_detected!("avx512f") && shape.head_dim.is_multiple_of(avx512::LANES)
}

/// What a span gives each of its queries' heads. Those that share a key/value head follow one another, query by query.
struct Partial {
    /// The number of queries.
    queries: usize,
    /// The largest score.
    most: Vec<f32>,
    /// The sum of `exp(scale · (score − most))`.
    total: Vec<f32>,
    /// The values, weighted with the same: `[head_dim]` each.
    mixed: Vec<f32>,
}

impl Partial {
    /// The place of a head of the query at `query` among the span's.
    fn place(&self, query: usize, head: usize, group: usize) -> usize {
        (head / group * self.queries + query) * group + head % group
    }
}

/// Computes the outputs. `keys` and `values` are the caches, `[slots, kv_heads * head_dim]`.
pub fn attend(queries: Vec<Query<'_>>, keys: &[f32], values: &[f32], shape: &AttentionShape) {
    assert!(is_supported(shape));
    let places: Vec<&[Range<usize>]> = queries.iter().map(|query| &query.places[..]).collect();
    let spans = spans(&places);
    let rows: Vec<&[f32]> = queries.iter().map(|query| query.query).collect();
    let partials: Vec<Partial> = spans
        .par_iter()
        .map_init(Vec::new, |room, span| {
            partial(span, &rows, keys, values, shape, room)
        })
        .collect();
    // Of each query: the spans that it sees, and its place in them.
    let mut seen: Vec<Vec<(usize, usize)>> = vec![Vec::new(); queries.len()];
    for (at, span) in spans.iter().enumerate() {
        for (place, &query) in span.queries.iter().enumerate() {
            seen[query].push((at, place));
        }
    }
    queries.into_par_iter().zip(seen).for_each(|(query, seen)| {
        vectorized(
            #[inline(always)]
            || combine(query.output, &partials, &seen, shape),
        );
    });
}

fn partial(
    span: &Span,
    rows: &[&[f32]],
    keys: &[f32],
    values: &[f32],
    shape: &AttentionShape,
    room: &mut Vec<f32>,
) -> Partial {
    let AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale,
        ..
    } = *shape;
    let (group, kv_width) = (heads / kv_heads, kv_heads * head_dim);
    let count = span.slots.len();
    let columns = count.next_multiple_of(avx512::LANES);
    let all = span.queries.len() * heads;
    let rows_of_head = span.queries.len() * group;
    let mut found = Partial {
        queries: span.queries.len(),
        most: vec![0.0; all],
        total: vec![0.0; all],
        mixed: vec![0.0; all * head_dim],
    };
    let of_span = span.slots.start * kv_width..span.slots.end * kv_width;
    let (keys, values) = (&keys[of_span.clone()], &values[of_span]);
    room.resize(rows_of_head * columns, 0.0);
    for kv_head in 0..kv_heads {
        let first = kv_head * group;
        let own: Vec<&[f32]> = span
            .queries
            .iter()
            .flat_map(|&query| {
                rows[query][first * head_dim..(first + group) * head_dim].chunks_exact(head_dim)
            })
            .collect();
        let kv = kv_head * head_dim;
        avx512::scores(&own, &keys[kv..], kv_width, count, room);
        for (row, scores) in room.chunks_exact_mut(columns).enumerate() {
            let at = kv_head * rows_of_head + row;
            let scores = &mut scores[..count];
            vectorized(
                #[inline(always)]
                || {
                    found.most[at] = largest(scores);
                    found.total[at] = exponentials(scores, found.most[at], scale as f32);
                },
            );
        }
        let mixed = kv_head * rows_of_head * head_dim..(kv_head + 1) * rows_of_head * head_dim;
        let mixed = &mut found.mixed[mixed];
        avx512::mix(room, columns, &values[kv..], kv_width, count, mixed);
    }
    found
}

#[inline(always)]
fn combine(
    output: &mut [f32],
    partials: &[Partial],
    seen: &[(usize, usize)],
    shape: &AttentionShape,
) {
    let (heads, head_dim) = (shape.heads, shape.head_dim);
    for head in 0..heads {
        let parts = || {
            seen.iter().map(|&(at, query)| {
                let part = &partials[at];
                (part, part.place(query, head, heads / shape.kv_heads))
            })
        };
        let most = parts().fold(f32::NEG_INFINITY, |most, (part, at)| {
            most.max(part.most[at])
        });
        let output = &mut output[head * head_dim..][..head_dim];
        output.fill(0.0);
        let mut total = 0.0;
        for (part, at) in parts() {
            let weight = ((part.most[at] - most) * shape.scale as f32).exp();
            total += weight * part.total[at];
            let mixed = &part.mixed[at * head_dim..][..head_dim];
            for (output, mixed) in output.iter_mut().zip(mixed) {
                *output += weight * mixed;
            }
        }
        for output in output {
            *output /= total;
        }
    }
}
