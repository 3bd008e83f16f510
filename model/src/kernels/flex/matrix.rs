//! Matrix products on parts of larger matrices.

use rayon::prelude::*;

use super::real::Real;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a, R> {
    pub(super) elements: &'a [R],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, R> Matrix<'a, R> {
    /// `rows` rows of `columns` elements each, beginning `stride` elements apart.
    pub fn new(elements: &'a [R], rows: usize, columns: usize, stride: usize) -> Self {
        debug_assert!(columns <= stride || rows <= 1);
        assert!(rows == 0 || (rows - 1) * stride + columns <= elements.len());
        Self {
            elements,
            rows,
            columns,
            row_stride: stride,
            column_stride: 1,
        }
    }

    /// The element at a place.
    #[cfg(test)]
    pub fn at(&self, row: usize, column: usize) -> R
    where
        R: Copy,
    {
        self.elements[row * self.row_stride + column * self.column_stride]
    }

    /// The same matrix by another name of its element type.
    pub fn cast<S: Real>(self) -> Matrix<'a, S>
    where
        R: Real,
    {
        Matrix {
            elements: bytemuck::cast_slice(self.elements),
            rows: self.rows,
            columns: self.columns,
            row_stride: self.row_stride,
            column_stride: self.column_stride,
        }
    }

    /// Rows as columns.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `rows` rows of `columns` elements each, laid out anew as `columns` rows.
pub fn transpose<R: Real>(elements: &[R], rows: usize, columns: usize) -> Vec<R> {
    // As many as fill a cache line.
    const COLUMNS: usize = 16;
    let mut output = vec![R::zero(); elements.len()];
    if rows > 0 {
        let parts = output.par_chunks_mut(COLUMNS * rows);
        parts.enumerate().for_each(|(part, output)| {
            for (row, elements) in elements.chunks_exact(columns).enumerate() {
                let elements = &elements[part * COLUMNS..];
                for (to, &element) in output[row..].iter_mut().step_by(rows).zip(elements) {
                    *to = element;
                }
            }
        });
    }
    output
}

/// `output (+)= left · right`: `output` has rows of `stride` elements, of which the product's columns are written;
/// with `add`, what stands there is added to. `parallel` uses every thread.
pub fn multiply<R: Real>(
    output: &mut [R],
    stride: usize,
    left: Matrix<'_, R>,
    right: Matrix<'_, R>,
    add: bool,
    parallel: bool,
) {
    let (m, k, n) = (left.rows, left.columns, right.columns);
    assert_eq!(k, right.rows);
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= stride && (m - 1) * stride + n <= output.len());
    let parallelism = if parallel {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    // SAFETY: the three matrices lie inside their slices (asserted here and in `Matrix::new`), and the output's is
    // borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            output.as_mut_ptr(),
            1,
            stride as isize,
            add,
            left.elements.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.elements.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            R::one(),
            R::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}
