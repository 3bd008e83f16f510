//! The parts of a softmax over a row, vectorized.

use super::real::Real;

const LANES: usize = 16;

/// The row's largest element.
#[inline(always)]
pub fn largest<R: Real>(row: &[R]) -> R {
    let mut lanes = [R::neg_infinity(); LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] {
                chunk[lane]
            } else {
                lanes[lane]
            };
        }
    }
    // A NaN is passed over; the exponentials bring it back.
    lanes
        .iter()
        .chain(rest)
        .fold(R::neg_infinity(), |a, &b| if b > a { b } else { a })
}

/// Turns each element x into `exp(scale · (x − largest))`; their sum.
#[inline(always)]
pub fn exponentials<R: Real>(row: &mut [R], largest: R, scale: R) -> R {
    let mut sums = [R::zero(); LANES];
    let (whole, rest) = row.as_chunks_mut::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            chunk[lane] = ((chunk[lane] - largest) * scale).exponential();
            sums[lane] += chunk[lane];
        }
    }
    let mut total: R = sums.into_iter().sum();
    for element in rest {
        *element = ((*element - largest) * scale).exponential();
        total += *element;
    }
    total
}
