//! The products of a part of the cache, on processors with AVX-512.

use std::arch::x86_64::*;
use std::array::from_fn;

pub use crate::kernels::flex::tile::LANES;

/// Rows whose sums are in registers at a time.
const ROWS: usize = 6;
/// Registers of a row's sums.
const PARTS: usize = 4;
/// How many keys before it is used a value is asked for.
const AHEAD: usize = 8;

/// The products of each of `rows` with each of `count` keys, which begin `stride` apart, as rows of `output` whose
/// length is `count` rounded up to [`LANES`].
pub fn scores(rows: &[&[f32]], keys: &[f32], stride: usize, count: usize, output: &mut [f32]) {
    assert!(is_x86_feature_detected!("avx512f"));
    let columns = count.next_multiple_of(LANES);
    let inner = rows.first().map_or(0, |row| row.len());
    assert!(inner.is_multiple_of(LANES) && rows.iter().all(|row| row.len() == inner));
    assert!(count > 0 && (count - 1) * stride + inner <= keys.len());
    assert_eq!(output.len(), rows.len() * columns);
    for column in (0..count).step_by(LANES) {
        // Keys that are not there are read as the last one; their products are not used.
        let of_block: [*const f32; LANES] = from_fn(|key| {
            let key = (column + key).min(count - 1);
            keys[key * stride..].as_ptr()
        });
        for (row, output) in rows.iter().zip(output.chunks_exact_mut(columns)) {
            let output = &mut output[column..column + LANES];
            // SAFETY: the processor has the instructions; the row and each key have `inner` numbers.
            unsafe {
                let sums = products(row.as_ptr(), &of_block, inner);
                _mm512_storeu_ps(output.as_mut_ptr(), sums);
            }
        }
    }
}

/// The products of a row with sixteen keys.
///
/// # Safety
/// The processor has AVX-512 F; row and keys have `inner` numbers, a multiple of [`LANES`].
#[target_feature(enable = "avx512f")]
unsafe fn products(row: *const f32, keys: &[*const f32; LANES], inner: usize) -> __m512 {
    let mut sums = [_mm512_setzero_ps(); LANES];
    for at in (0..inner).step_by(LANES) {
        // SAFETY: promised by the caller.
        unsafe {
            let one = _mm512_loadu_ps(row.add(at));
            for (sum, key) in sums.iter_mut().zip(keys) {
                *sum = _mm512_fmadd_ps(one, _mm512_loadu_ps(key.add(at)), *sum);
            }
        }
    }
    // Pairs of registers are added into one, with half of each: sixteen sums in four steps.
    let fours: [__m512; 4] = from_fn(|four| {
        let [a, b, c, d]: [__m512; 4] = from_fn(|at| sums[four * 4 + at]);
        let low = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let high = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        let [low, high] = [_mm512_castps_pd(low), _mm512_castps_pd(high)];
        _mm512_add_ps(
            _mm512_castpd_ps(_mm512_unpacklo_pd(low, high)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(low, high)),
        )
    });
    // Each quarter of a register now has a part of four sums.
    let [a, b, c, d] = fours;
    let ab = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0x88>(a, b),
        _mm512_shuffle_f32x4::<0xdd>(a, b),
    );
    let cd = _mm512_add_ps(
        _mm512_shuffle_f32x4::<0x88>(c, d),
        _mm512_shuffle_f32x4::<0xdd>(c, d),
    );
    _mm512_add_ps(
        _mm512_shuffle_f32x4::<0x88>(ab, cd),
        _mm512_shuffle_f32x4::<0xdd>(ab, cd),
    )
}

/// The sums of `count` values, which begin `stride` apart, by each row of `weights`, whose rows begin `columns` apart:
/// as many rows of `output`.
pub fn mix(
    weights: &[f32],
    columns: usize,
    values: &[f32],
    stride: usize,
    count: usize,
    output: &mut [f32],
) {
    assert!(is_x86_feature_detected!("avx512f"));
    let rows = weights.len() / columns;
    let width = output.len() / rows;
    assert!(count > 0 && count <= columns && width.is_multiple_of(LANES));
    assert!((count - 1) * stride + width <= values.len());
    for row in (0..rows).step_by(ROWS) {
        for part in (0..width).step_by(PARTS * LANES) {
            let values = Values {
                first: values[part..].as_ptr(),
                stride,
                count,
            };
            let parts = (width - part) / LANES;
            let from: [*const f32; ROWS] =
                from_fn(|at| weights[(row + at).min(rows - 1) * columns..].as_ptr());
            let to = &mut output[row * width + part..];
            // SAFETY: the processor has the instructions; rows of weights have `count` numbers, each value has
            // `parts` registers from `part` on, and so have the rows of the output.
            unsafe {
                match (rows - row, parts >= PARTS) {
                    (1, true) => tile::<1, PARTS>(&from, values, to, width),
                    (2, true) => tile::<2, PARTS>(&from, values, to, width),
                    (3, true) => tile::<3, PARTS>(&from, values, to, width),
                    (4, true) => tile::<4, PARTS>(&from, values, to, width),
                    (5, true) => tile::<5, PARTS>(&from, values, to, width),
                    (_, true) => tile::<ROWS, PARTS>(&from, values, to, width),
                    (left, false) => {
                        for row in 0..left.min(ROWS) {
                            for part in 0..parts {
                                let mut values = values;
                                values.first = values.first.add(part * LANES);
                                let to = &mut to[row * width + part * LANES..];
                                tile::<1, 1>(&[from[row]; ROWS], values, to, width);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where values begin.
#[derive(Clone, Copy)]
struct Values {
    first: *const f32,
    stride: usize,
    count: usize,
}

/// `R` rows of the output, `P` registers of each.
///
/// # Safety
/// The processor has AVX-512 F; `R` of `weights` have `values.count` numbers, and each value has `P` registers.
#[target_feature(enable = "avx512f")]
unsafe fn tile<const R: usize, const P: usize>(
    weights: &[*const f32; ROWS],
    values: Values,
    output: &mut [f32],
    width: usize,
) {
    assert!((R - 1) * width + P * LANES <= output.len());
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    let mut value = values.first;
    for at in 0..values.count {
        let ahead = value.wrapping_add(AHEAD * values.stride);
        // SAFETY: promised by the caller; asking for what is not there does nothing.
        unsafe {
            let of_value: [__m512; P] = from_fn(|part| {
                _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(part * LANES).cast());
                _mm512_loadu_ps(value.add(part * LANES))
            });
            for (sums, weights) in sums.iter_mut().zip(weights) {
                let weight = _mm512_set1_ps(*weights.add(at));
                for (sum, value) in sums.iter_mut().zip(of_value) {
                    *sum = _mm512_fmadd_ps(weight, value, *sum);
                }
            }
        }
        value = value.wrapping_add(values.stride);
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (part, sum) in sums.into_iter().enumerate() {
            // SAFETY: asserted above.
            unsafe {
                _mm512_storeu_ps(output.as_mut_ptr().add(row * width + part * LANES), sum);
            }
        }
    }
}
