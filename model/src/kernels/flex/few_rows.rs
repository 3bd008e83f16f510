//! Products of a few rows with a weight that lies as `[out, in]`: a step of generation.
//!
//! Such a product is as fast as the weight can be read, so that nothing is laid out anew: each output is the product of
//! two rows as they lie. It adds in one fixed order, whatever other rows there are and however many threads.

use super::matrix::Matrix;

/// Up to how many rows it pays.
pub const MOST: usize = 48;

/// `output = left · weightᵀ`, `[left.rows, weight.rows]`, or nothing done where the processor has no kernel for it. Rows of
/// both lie whole.
pub fn multiply(output: &mut [f32], left: Matrix<'_, f32>, weight: Matrix<'_, f32>) -> bool {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        avx512::multiply(output, left, weight);
        return true;
    }
    let _ = (output, left, weight);
    false
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;
    use std::array::from_fn;

    use rayon::prelude::*;

    use super::Matrix;
    use crate::kernels::flex::tile::LANES;

    /// Rows of the weight at a time.
    const WEIGHTS: usize = 4;
    /// Rows of the left operand at a time: 24 of 32 registers hold sums.
    const ROWS: usize = 6;
    /// Least numbers of the weight that a task reads: few enough that the smallest weights keep all threads busy.
    const TASK: usize = 1 << 15;

    /// Columns of the output, which tasks write side by side.
    struct Output {
        elements: *mut f32,
        stride: usize,
    }

    // SAFETY: each task writes columns of its own.
    unsafe impl Sync for Output {}

    pub fn multiply(output: &mut [f32], left: Matrix<'_, f32>, weight: Matrix<'_, f32>) {
        assert!(is_x86_feature_detected!("avx512f"));
        assert_eq!(left.columns, weight.columns);
        assert!(left.column_stride == 1 && weight.column_stride == 1);
        assert_eq!(output.len(), left.rows * weight.rows);
        if output.is_empty() {
            return;
        }
        let to = Output {
            elements: output.as_mut_ptr(),
            stride: weight.rows,
        };
        let columns = (TASK / weight.columns.max(1)).next_multiple_of(WEIGHTS);
        let columns = columns.max(WEIGHTS);
        let task = |task: usize| {
            let last = weight.rows.min((task + 1) * columns);
            for column in (task * columns..last).step_by(WEIGHTS) {
                let count = WEIGHTS.min(last - column);
                for row in (0..left.rows).step_by(ROWS) {
                    // SAFETY: the processor has the instructions; the rows and columns exist, and no other task has
                    // these columns.
                    unsafe {
                        match left.rows - row {
                            1 => tile::<1>(&to, left, weight, row, column, count),
                            2 => tile::<2>(&to, left, weight, row, column, count),
                            3 => tile::<3>(&to, left, weight, row, column, count),
                            4 => tile::<4>(&to, left, weight, row, column, count),
                            5 => tile::<5>(&to, left, weight, row, column, count),
                            _ => tile::<ROWS>(&to, left, weight, row, column, count),
                        }
                    }
                }
            }
        };
        match weight.rows.div_ceil(columns) {
            1 => task(0),
            tasks => (0..tasks).into_par_iter().for_each(task),
        }
    }

    /// `R` rows from `row` on by `count` columns from `column` on.
    ///
    /// # Safety
    /// The processor has AVX-512 F, the operands these rows, and nobody else writes these columns of the output.
    #[target_feature(enable = "avx512f")]
    unsafe fn tile<const R: usize>(
        output: &Output,
        left: Matrix<'_, f32>,
        weight: Matrix<'_, f32>,
        row: usize,
        column: usize,
        count: usize,
    ) {
        let inner = left.columns;
        let rows: [*const f32; R] =
            from_fn(|at| left.elements[(row + at) * left.row_stride..][..inner].as_ptr());
        // Weights that are not there are read as the last one, and not written.
        let weights: [*const f32; WEIGHTS] = from_fn(|at| {
            let at = column + at.min(count - 1);
            weight.elements[at * weight.row_stride..][..inner].as_ptr()
        });
        let mut sums = [[_mm512_setzero_ps(); WEIGHTS]; R];
        // SAFETY: reads are within the rows, whose bounds were checked; writes are those of the caller's promise.
        unsafe {
            let mut at = 0;
            while at + LANES <= inner {
                let right: [__m512; WEIGHTS] = from_fn(|w| {
                    // The processor itself does not look ahead across the end of a row.
                    let next = weights[w].wrapping_add(WEIGHTS * weight.row_stride + at);
                    _mm_prefetch::<_MM_HINT_T0>(next.cast());
                    _mm512_loadu_ps(weights[w].add(at))
                });
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let one = _mm512_loadu_ps(row.add(at));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm512_fmadd_ps(one, right, *sum);
                    }
                }
                at += LANES;
            }
            if at < inner {
                let mask = (1 << (inner - at)) - 1;
                let right: [__m512; WEIGHTS] =
                    from_fn(|w| _mm512_maskz_loadu_ps(mask, weights[w].wrapping_add(at)));
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let one = _mm512_maskz_loadu_ps(mask, row.wrapping_add(at));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm512_fmadd_ps(one, right, *sum);
                    }
                }
            }
            for (at, sums) in sums.into_iter().enumerate() {
                let to = output.elements.add((row + at) * output.stride + column);
                for (w, sum) in sums.into_iter().enumerate().take(count) {
                    *to.add(w) = _mm512_reduce_add_ps(sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use glpft_data::{Purpose, Random};

    use super::*;

    #[test]
    fn equals_the_general_product_and_does_not_depend_on_other_rows() {
        let normal = |stream, size: usize| -> Vec<f32> {
            let random = Random::new(8, None, 0, Purpose::Synthetic).stream(stream);
            (0..size as u64)
                .map(|index| random.normal(index) as f32)
                .collect()
        };
        for (m, k, n) in [
            (1, 1, 1),
            (1, 576, 1536),
            (6, 64, 33),
            (20, 577, 770),
            (13, 1536, 576),
        ] {
            let (a, b) = (normal(0, m * k), normal(1, n * k));
            let (left, weight) = (Matrix::new(&a, m, k, k), Matrix::new(&b, n, k, k));
            let mut found = vec![f32::NAN; m * n];
            if !multiply(&mut found, left, weight) {
                return;
            }
            let mut expected = vec![0.0; m * n];
            super::super::matrix::multiply(
                &mut expected,
                n,
                left,
                weight.transposed(),
                false,
                false,
            );
            for (found, expected) in found.iter().zip(&expected) {
                let error = (found - expected).abs();
                assert!(error <= 1e-5 * (k as f32).sqrt(), "{m} {k} {n}: {error:e}");
            }
            for row in 0..m {
                let mut alone = vec![f32::NAN; n];
                multiply(&mut alone, Matrix::new(&a[row * k..], 1, k, k), weight);
                assert_eq!(alone, found[row * n..][..n], "{m} {k} {n} {row}");
            }
        }
    }
}
