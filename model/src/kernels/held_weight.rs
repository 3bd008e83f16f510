//! A projection's weight as it is held in memory.

use burn::backend::DispatchTensor;
use burn::tensor::{Int, Tensor};

use crate::quantized::Quantization;

/// How a weight is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAs {
    /// As a matrix of floating-point numbers, of the model's type or a narrower one.
    Matrix,
    /// In blocks of few bits.
    Blocks {
        /// What the codes mean.
        quantization: Quantization,
        /// Rows.
        outputs: usize,
        /// Columns.
        inputs: usize,
    },
}

/// A weight `[out, in]`: a matrix, or codes and their scales.
#[derive(Clone, Debug)]
pub struct HeldWeight {
    /// The matrix; of blocks their scales, `[1, scales]`.
    numbers: Tensor<2>,
    /// The blocks' codes in words of 4 bytes, the first in the lowest bits, `[words]`; none of a matrix.
    codes: Option<Tensor<1, Int>>,
    held_as: HeldAs,
}

impl HeldWeight {
    /// Codes and scales, as [`quantize`](crate::quantized::quantize) makes them of the rows of a matrix `[outputs, inputs]`.
    pub fn blocks(
        scales: Tensor<2>,
        codes: Tensor<1, Int>,
        quantization: Quantization,
        [outputs, inputs]: [usize; 2],
    ) -> Self {
        Self {
            numbers: scales,
            codes: Some(codes),
            held_as: HeldAs::Blocks {
                quantization,
                outputs,
                inputs,
            },
        }
    }

    /// The numbers, the codes, and what they mean together.
    pub(super) fn into_parts(self) -> (DispatchTensor, DispatchTensor, HeldAs) {
        let none = || Tensor::<1, Int>::empty([0], &self.numbers.device());
        let codes = self.codes.unwrap_or_else(none);
        (
            self.numbers.into_dispatch(),
            codes.into_dispatch(),
            self.held_as,
        )
    }
}

impl From<Tensor<2>> for HeldWeight {
    fn from(matrix: Tensor<2>) -> Self {
        Self {
            numbers: matrix,
            codes: None,
            held_as: HeldAs::Matrix,
        }
    }
}
