//! Small f32 products on one thread: attention's, where one dimension is a head's width.
//!
//! A product of large matrices lays both operands out anew, which pays when each number is used hundreds of times. Here
//! the left operand is read where it lies, and the right one is laid out a panel at a time.

use super::matrix::Matrix;

/// `output (+)= left · right`; the arguments are those of [`multiply`](super::matrix::multiply).
pub fn multiply(
    output: &mut [f32],
    stride: usize,
    left: Matrix<'_, f32>,
    right: Matrix<'_, f32>,
    add: bool,
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && left.columns > 0 {
        return avx512::multiply(output, stride, left, right, add);
    }
    super::matrix::multiply(output, stride, left, right, add, false);
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;
    use std::array::from_fn;

    use super::Matrix;
    use crate::kernels::flex::tile::{LANES, store};

    /// Rows of a tile, the part of the output whose sums are in registers: 24 of 32 hold sums.
    const HEIGHT: usize = 12;
    /// Columns of a tile.
    const WIDTH: usize = 32;
    /// Most of the inner dimension summed up before a tile is written: a panel stays in the second-level cache.
    const DEPTH: usize = 512;

    /// See [`super::multiply`]; there is an inner dimension.
    pub fn multiply(
        output: &mut [f32],
        stride: usize,
        left: Matrix<'_, f32>,
        right: Matrix<'_, f32>,
        add: bool,
    ) {
        assert!(is_x86_feature_detected!("avx512f"));
        assert_eq!(left.columns, right.rows);
        let (rows, inner, columns) = (left.rows, left.columns, right.columns);
        if rows == 0 || columns == 0 {
            return;
        }
        assert!(columns <= stride && (rows - 1) * stride + columns <= output.len());
        let mut room = [0.0; DEPTH * WIDTH];
        for from in (0..inner).step_by(DEPTH) {
            let depth = DEPTH.min(inner - from);
            let panel = &mut room[..depth * WIDTH];
            for column in (0..columns).step_by(WIDTH) {
                let width = WIDTH.min(columns - column);
                lay_out(right, from, column, width, panel);
                for row in (0..rows).step_by(HEIGHT) {
                    let tile = Tile {
                        rows: HEIGHT.min(rows - row),
                        columns: width,
                        stride,
                        add: add || from > 0,
                    };
                    let start = row * left.row_stride + from * left.column_stride;
                    let output = &mut output[row * stride + column..];
                    // SAFETY: the processor has the instructions.
                    unsafe {
                        tile.multiply(
                            output,
                            &left.elements[start..],
                            [left.row_stride, left.column_stride],
                            panel,
                        );
                    }
                }
            }
        }
    }

    /// Rows `from..` and columns `column..column + width` of `right` as a panel, `[depth, WIDTH]`.
    fn lay_out(
        right: Matrix<'_, f32>,
        from: usize,
        column: usize,
        width: usize,
        panel: &mut [f32],
    ) {
        if width < WIDTH {
            panel.fill(0.0);
        }
        let start = from * right.row_stride + column * right.column_stride;
        let elements = &right.elements[start..];
        if right.column_stride == 1 {
            for (row, to) in panel.chunks_exact_mut(WIDTH).enumerate() {
                to[..width].copy_from_slice(&elements[row * right.row_stride..][..width]);
            }
        } else {
            let depth = panel.len() / WIDTH;
            for at in 0..width {
                let column = elements[at * right.column_stride..]
                    .iter()
                    .step_by(right.row_stride)
                    .take(depth);
                for (to, &element) in panel[at..].iter_mut().step_by(WIDTH).zip(column) {
                    *to = element;
                }
            }
        }
    }

    /// Part of the output that fits the registers.
    struct Tile {
        rows: usize,
        columns: usize,
        /// Between rows of the output.
        stride: usize,
        /// Whether what stands there is added to.
        add: bool,
    }

    impl Tile {
        /// `left` begins at the tile's first element; `steps` are those between its rows and between its columns.
        ///
        /// # Safety
        /// The processor has AVX-512 F.
        #[target_feature(enable = "avx512f")]
        unsafe fn multiply(
            &self,
            output: &mut [f32],
            left: &[f32],
            steps: [usize; 2],
            panel: &[f32],
        ) {
            let depth = panel.len() / WIDTH;
            let [row_step, step] = steps;
            assert!((self.rows - 1) * row_step + (depth - 1) * step < left.len());
            assert!((self.rows - 1) * self.stride + self.columns <= output.len());
            // Rows that are not there are read as the last one, and not written.
            let rows: [*const f32; HEIGHT] = from_fn(|row| {
                left.as_ptr()
                    .wrapping_add(row.min(self.rows - 1) * row_step)
            });
            let mut sums = [[_mm512_setzero_ps(); 2]; HEIGHT];
            // SAFETY: reads of `left` and writes, which are masked to the tile, are within what was asserted; reads of
            // the panel are within its whole rows of WIDTH.
            unsafe {
                let mut right = panel.as_ptr();
                for at in 0..depth {
                    let low = _mm512_loadu_ps(right);
                    let high = _mm512_loadu_ps(right.add(LANES));
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        let one = _mm512_set1_ps(*row.add(at * step));
                        sums[0] = _mm512_fmadd_ps(one, low, sums[0]);
                        sums[1] = _mm512_fmadd_ps(one, high, sums[1]);
                    }
                    right = right.add(WIDTH);
                }
                let (rows, columns) = (self.rows, self.columns);
                store(sums, output, self.stride, rows, columns, self.add);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use glpft_data::{Purpose, Random};

    use super::*;

    #[test]
    fn equals_the_general_product() {
        let normal = |stream, size: usize| -> Vec<f32> {
            let random = Random::new(6, None, 0, Purpose::Synthetic).stream(stream);
            (0..size as u64)
                .map(|index| random.normal(index) as f32)
                .collect()
        };
        for (m, k, n) in [
            (1, 1, 1),
            (12, 64, 32),
            (13, 7, 33),
            (128, 64, 517),
            (31, 1100, 64),
        ] {
            let (a, b) = (normal(0, m * k), normal(1, k * n));
            for transposed in [[false, false], [false, true], [true, false], [true, true]] {
                let [of_left, of_right] = transposed;
                let left = match of_left {
                    true => Matrix::new(&a, k, m, m).transposed(),
                    false => Matrix::new(&a, m, k, k),
                };
                let right = match of_right {
                    true => Matrix::new(&b, n, k, k).transposed(),
                    false => Matrix::new(&b, k, n, n),
                };
                for add in [false, true] {
                    let stride = n + 3;
                    let mut found = vec![2.0; m * stride];
                    let mut expected = found.clone();
                    multiply(&mut found, stride, left, right, add);
                    super::super::matrix::multiply(&mut expected, stride, left, right, add, false);
                    for (found, expected) in found.iter().zip(&expected) {
                        let error = (found - expected).abs();
                        let bound = 1e-5 * (k as f32).sqrt();
                        assert!(
                            error <= bound,
                            "{m} {k} {n} {transposed:?} {add}: {error:e}"
                        );
                    }
                }
            }
        }
    }
}
