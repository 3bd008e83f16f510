//! Attention of a single token, on any processor and for any element type.

use std::ops::Range;

use rayon::prelude::*;

use super::Cached;
use crate::kernels::AttentionShape;
use crate::kernels::flex::real::{Real, vectorized};
use crate::kernels::flex::softmax::{exponentials, largest};

/// Numbers summed up side by side.
const LANES: usize = 16;

impl<R: Real> Cached<'_, R> {
    /// One token, which sees those of `places` that `seen` counts.
    pub(super) fn token(
        &self,
        query: &[R],
        places: &[Range<usize>],
        seen: Range<usize>,
        output: &mut [R],
    ) {
        let AttentionShape {
            heads,
            kv_heads,
            head_dim,
            ..
        } = self.shape;
        let width = heads / kv_heads * head_dim;
        let (places, visible) = (&part(places, &seen)[..], seen.len());
        output
            .par_chunks_mut(width)
            .zip(query.par_chunks(width))
            .enumerate()
            .for_each_init(Vec::new, |scores, (kv_head, (output, query))| {
                vectorized(
                    #[inline(always)]
                    || {
                        self.group(kv_head * head_dim, query, places, visible, scores, output);
                    },
                );
            });
    }

    /// The query heads of one key/value head, which begins at column `kv` of the cache.
    #[inline(always)]
    fn group(
        &self,
        kv: usize,
        query: &[R],
        places: &[Range<usize>],
        visible: usize,
        scores: &mut Vec<R>,
        output: &mut [R],
    ) {
        let AttentionShape {
            kv_heads,
            head_dim,
            scale,
            ..
        } = self.shape;
        let kv_width = kv_heads * head_dim;
        let heads = query.len() / head_dim;
        scores.clear();
        scores.resize(heads * visible, R::zero());
        let mut column = 0;
        for place in places {
            for slot in place.clone().take(visible - column) {
                let key = &self.keys[slot * kv_width + kv..][..head_dim];
                for head in 0..heads {
                    scores[head * visible + column] = dot(&query[head * head_dim..], key);
                }
                column += 1;
            }
        }
        for head in 0..heads {
            let scores = &mut scores[head * visible..][..visible];
            let most = largest(scores);
            let total = exponentials(scores, most, R::of(scale)).recip();
            let output = &mut output[head * head_dim..][..head_dim];
            let (chunks, rest) = output.as_chunks_mut::<LANES>();
            let whole = chunks.len() * LANES;
            for (at, chunk) in chunks.iter_mut().enumerate() {
                let from = kv + at * LANES;
                let mut sums = [R::zero(); LANES];
                let mut column = 0;
                for place in places {
                    for slot in place.clone().take(visible - column) {
                        let value = &self.values[slot * kv_width + from..][..LANES];
                        let weight = scores[column];
                        for lane in 0..LANES {
                            sums[lane] = weight.mul_add(value[lane], sums[lane]);
                        }
                        column += 1;
                    }
                }
                for lane in 0..LANES {
                    chunk[lane] = sums[lane] * total;
                }
            }
            for (at, element) in rest.iter_mut().enumerate() {
                let from = kv + whole + at;
                let mut sum = R::zero();
                let mut column = 0;
                for place in places {
                    for slot in place.clone().take(visible - column) {
                        sum += scores[column] * self.values[slot * kv_width + from];
                        column += 1;
                    }
                }
                *element = sum * total;
            }
        }
    }
}

/// Those of `places` that `seen` counts.
fn part(places: &[Range<usize>], seen: &Range<usize>) -> Vec<Range<usize>> {
    let mut part = Vec::with_capacity(places.len());
    let mut start = 0;
    for place in places {
        let (low, high) = (seen.start.max(start), seen.end.min(start + place.len()));
        if low < high {
            part.push(place.start + low - start..place.start + high - start);
        }
        start += place.len();
    }
    part
}

/// The product of a row's beginning with `right`, in a fixed order that vectorizes.
#[inline(always)]
fn dot<R: Real>(left: &[R], right: &[R]) -> R {
    let left = &left[..right.len()];
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [R::zero(); LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            sums[lane] = left[lane].mul_add(right[lane], sums[lane]);
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let other = sums[lane + half];
            sums[lane] += other;
        }
        half /= 2;
    }
    let mut total = sums[0];
    for (left, right) in left_rest.iter().zip(right_rest) {
        total += *left * *right;
    }
    total
}
