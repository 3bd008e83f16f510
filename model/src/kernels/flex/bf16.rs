//! Products of matrices whose elements are rounded to bf16, with sums in f32.

#[cfg(target_arch = "x86_64")]
mod avx512;

use super::matrix::{Matrix, multiply as multiply_f32};

/// `output (+)= left · right`, each operand rounded to the nearest bf16 (ties to even) and every sum in f32; the
/// arguments are those of [`multiply`](super::matrix::multiply). The result does not depend on the number of threads.
///
/// On processors with bf16 products (AVX-512 BF16) that is about twice as fast as f32. On others it is f32's product of
/// the rounded operands: the same numbers but for the order of additions and for subnormal ones, which count as 0 with
/// AVX-512 BF16; and no faster.
pub fn multiply(
    output: &mut [f32],
    stride: usize,
    left: Matrix<'_, f32>,
    right: Matrix<'_, f32>,
    add: bool,
    parallel: bool,
) {
    #[cfg(target_arch = "x86_64")]
    if avx512::available() && left.rows > 0 && left.columns > 0 && right.columns > 0 {
        assert_eq!(left.columns, right.rows);
        assert!(right.columns <= stride);
        assert!((left.rows - 1) * stride + right.columns <= output.len());
        return avx512::multiply(output, stride, left, right, add, parallel);
    }
    multiply_rounded(output, stride, left, right, add, parallel);
}

/// The same on any processor.
pub fn multiply_rounded(
    output: &mut [f32],
    stride: usize,
    left: Matrix<'_, f32>,
    right: Matrix<'_, f32>,
    add: bool,
    parallel: bool,
) {
    let (mut left_elements, mut right_elements) = (Vec::new(), Vec::new());
    let left = rounded_matrix(left, &mut left_elements);
    let right = rounded_matrix(right, &mut right_elements);
    multiply_f32(output, stride, left, right, add, parallel);
}

fn rounded_matrix<'a>(matrix: Matrix<'_, f32>, rounded: &'a mut Vec<f32>) -> Matrix<'a, f32> {
    rounded.extend(matrix.elements.iter().map(|&value| round(value)));
    Matrix {
        elements: rounded,
        rows: matrix.rows,
        columns: matrix.columns,
        row_stride: matrix.row_stride,
        column_stride: matrix.column_stride,
    }
}

/// The nearest bf16, ties to even, as an f32.
#[inline(always)]
fn round(value: f32) -> f32 {
    f32::from_bits(bits(value) << 16)
}

/// The nearest bf16's bits; a NaN stays one.
#[inline(always)]
fn bits(value: f32) -> u32 {
    let bits = value.to_bits();
    if value.is_nan() {
        return bits >> 16 | 0x40;
    }
    (bits + 0x7fff + (bits >> 16 & 1)) >> 16
}

#[cfg(test)]
mod tests {
    use glpft_data::{Purpose, Random};

    use super::*;

    fn normal(stream: u64, size: usize) -> Vec<f32> {
        let random = Random::new(5, None, 0, Purpose::Synthetic).stream(stream);
        (0..size as u64)
            .map(|index| random.normal(index) as f32)
            .collect()
    }

    /// Against f64 products of the rounded operands, in every layout, at sizes that leave remainders everywhere.
    #[test]
    fn equals_the_products_of_rounded_operands() {
        for (m, k, n) in [(1, 1, 1), (13, 7, 33), (97, 769, 47), (200, 1601, 96)] {
            let (a, b) = (normal(0, m * k), normal(1, k * n));
            for (left_transposed, right_transposed) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let left = match left_transposed {
                    true => Matrix::new(&a, k, m, m).transposed(),
                    false => Matrix::new(&a, m, k, k),
                };
                let right = match right_transposed {
                    true => Matrix::new(&b, n, k, k).transposed(),
                    false => Matrix::new(&b, k, n, n),
                };
                // In the left part of a wider matrix, added to ones; and alone.
                let stride = n + 5;
                let mut added = vec![1.0; m * stride];
                multiply(&mut added, stride, left, right, true, false);
                assert!(added.chunks(stride).all(|row| row[n..] == [1.0; 5]));
                let added: Vec<f32> = added
                    .chunks(stride)
                    .flat_map(|row| row[..n].iter().map(|value| value - 1.0))
                    .collect();
                let mut found = vec![f32::NAN; m * n];
                multiply(&mut found, n, left, right, false, true);
                let mut anywhere = vec![f32::NAN; m * n];
                multiply_rounded(&mut anywhere, n, left, right, false, true);
                for row in 0..m {
                    for column in 0..n {
                        let (mut exact, mut size) = (0.0f64, 0.0f64);
                        for inner in 0..k {
                            let product = f64::from(round(left.at(row, inner)))
                                * f64::from(round(right.at(inner, column)));
                            exact += product;
                            size += product.abs();
                        }
                        for found in [&found, &anywhere, &added] {
                            let error = (f64::from(found[row * n + column]) - exact).abs();
                            let bound = 1e-6 * (size + 1.0);
                            assert!(error <= bound, "{m} {k} {n}: {error:e} of {size}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rounds_to_nearest_even_and_keeps_what_is_no_number() {
        for (value, expected) in [
            (1.0, 1.0),
            (1.003_906_2, 1.0),
            (1.003_906_4, 1.007_812_5),
            (1.011_718_8, 1.015_625),
            (-0.0, -0.0),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(round(value).to_bits(), f32::to_bits(expected), "{value}");
        }
        assert!(round(f32::NAN).is_nan());
        assert!(round(f32::from_bits(0x7f80_0001)).is_nan());
        let (a, b) = ([1.0, f32::NAN], [1.0, 1.0]);
        let mut output = [0.0];
        let (left, right) = (Matrix::new(&a, 1, 2, 2), Matrix::new(&b, 2, 1, 1));
        multiply(&mut output, 1, left, right, false, true);
        assert!(output[0].is_nan());
    }
}
