//! Matrix products in a precision.

use burn::tensor::DType;
use glpft_recipes::Precision;

use super::matrix::{Matrix, multiply};
use super::real::Real;
use super::{bf16, small};

/// [`multiply`] with operands of `precision`, and as a small product where it is not parallel. Of f64, which is for tests, none is rounded.
pub fn multiply_in<R: Real>(
    precision: Precision,
    output: &mut [R],
    stride: usize,
    left: Matrix<'_, R>,
    right: Matrix<'_, R>,
    add: bool,
    parallel: bool,
) {
    match (precision, R::dtype()) {
        (Precision::Bf16, DType::F32) => {
            let output = bytemuck::cast_slice_mut(output);
            bf16::multiply(output, stride, left.cast(), right.cast(), add, parallel);
        }
        (Precision::F32, DType::F32) if !parallel => {
            let output = bytemuck::cast_slice_mut(output);
            small::multiply(output, stride, left.cast(), right.cast(), add);
        }
        _ => multiply(output, stride, left, right, add, parallel),
    }
}
