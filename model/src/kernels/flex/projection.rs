//! Products with weights, with and without an adapter.

use burn::tensor::DType;
use burn_flex::FlexTensor;
use glpft_recipes::Precision;
use rayon::prelude::*;

use super::few_rows;
use super::matrix::{Matrix, multiply};
use super::product::multiply_in;
use super::real::{Real, contiguous, elements, tensor};
use crate::kernels::{DropoutMask, LowRank};

/// Rows that are masked at a time.
const ROWS: usize = 64;

/// See [`crate::kernels::projection`].
pub fn projection<R: Real>(x: FlexTensor, weight: FlexTensor, precision: Precision) -> FlexTensor {
    let [x, weight] = [x, weight].map(contiguous);
    let (x, weight) = (matrix::<R>(&x), matrix(&weight));
    tensor(forward(x, weight, precision), [x.rows, weight.rows])
}

/// `grad · weight`.
pub fn input_grad<R: Real>(
    weight: FlexTensor,
    grad: FlexTensor,
    precision: Precision,
) -> FlexTensor {
    let [weight, grad] = [weight, grad].map(contiguous);
    product(matrix::<R>(&grad), matrix(&weight), precision)
}

/// `gradᵀ · x`.
pub fn weight_grad<R: Real>(x: FlexTensor, grad: FlexTensor, precision: Precision) -> FlexTensor {
    let [x, grad] = [x, grad].map(contiguous);
    product(matrix::<R>(&grad).transposed(), matrix(&x), precision)
}

/// The output and `scale · dropout(x) · aᵀ`.
pub fn adapted_forward<R: Real>(
    x: FlexTensor,
    weight: FlexTensor,
    a: FlexTensor,
    b: FlexTensor,
    low_rank: LowRank,
    precision: Precision,
) -> (FlexTensor, FlexTensor) {
    let [x, weight, a, b] = [x, weight, a, b].map(contiguous);
    let x = matrix::<R>(&x);
    let (tokens, outputs) = (x.rows, matrix::<R>(&weight).rows);
    let rank = matrix::<R>(&a).rows;
    let mut output = forward(x, matrix(&weight), precision);
    let mut low = vec![R::zero(); tokens * rank];
    let dropped = low_rank.dropout.map(|dropout| masked(x, dropout));
    let input = match &dropped {
        Some(dropped) => Matrix::new(dropped, tokens, x.columns, x.columns),
        None => x,
    };
    multiply(&mut low, rank, input, matrix(&a).transposed(), false, true);
    drop(dropped);
    let scale = R::of(low_rank.scale);
    low.iter_mut().for_each(|value| *value = *value * scale);
    let added = Matrix::new(&low, tokens, rank, rank);
    multiply(
        &mut output,
        outputs,
        added,
        matrix(&b).transposed(),
        true,
        true,
    );
    (
        tensor(output, [tokens, outputs]),
        tensor(low, [tokens, rank]),
    )
}

/// See [`crate::kernels::composed::adapted_projection_backward`] for the formulas.
#[allow(
    clippy::too_many_arguments,
    reason = "a backward pass needs all of its forward's tensors"
)]
pub fn adapted_backward<R: Real>(
    x: FlexTensor,
    weight: FlexTensor,
    a: FlexTensor,
    b: FlexTensor,
    low: FlexTensor,
    grad: FlexTensor,
    low_rank: LowRank,
    precision: Precision,
    input_grad: bool,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let [x, weight, a, b, low, grad] = [x, weight, a, b, low, grad].map(contiguous);
    let (x, a, b) = (matrix::<R>(&x), matrix::<R>(&a), matrix::<R>(&b));
    let (low, grad) = (matrix::<R>(&low), matrix::<R>(&grad));
    let (tokens, width, rank, outputs) = (x.rows, x.columns, a.rows, grad.columns);
    let mut db = vec![R::zero(); outputs * rank];
    multiply(&mut db, rank, grad.transposed(), low, false, true);
    let mut dlow = vec![R::zero(); tokens * rank];
    multiply(&mut dlow, rank, grad, b, false, true);
    let scale = R::of(low_rank.scale);
    dlow.iter_mut().for_each(|value| *value = *value * scale);
    let dlow = Matrix::new(&dlow, tokens, rank, rank);

    let mut da = vec![R::zero(); rank * width];
    {
        let dropped = low_rank.dropout.map(|dropout| masked(x, dropout));
        let input = match &dropped {
            Some(dropped) => Matrix::new(dropped, tokens, width, width),
            None => x,
        };
        multiply(&mut da, width, dlow.transposed(), input, false, true);
    }
    let dx = match input_grad {
        true => {
            let mut dx = products(grad, matrix(&weight), precision);
            match low_rank.dropout {
                Some(dropout) => add_masked(&mut dx, dlow, a, dropout),
                None => multiply(&mut dx, width, dlow, a, true, true),
            }
            tensor(dx, [tokens, width])
        }
        false => tensor(vec![R::zero()], [1, 1]),
    };
    (dx, tensor(da, [rank, width]), tensor(db, [outputs, rank]))
}

/// `x` with `dropout`'s elements dropped.
fn masked<R: Real>(x: Matrix<'_, R>, dropout: DropoutMask) -> Vec<R> {
    let part = ROWS * x.columns;
    let mut output = vec![R::zero(); x.rows * x.columns];
    output
        .par_chunks_mut(part)
        .zip(x.elements.par_chunks(part))
        .enumerate()
        .for_each_init(Vec::new, |mask, (index, (output, x))| {
            dropout.fill(mask, index * part, x.len());
            for ((output, &x), &mask) in output.iter_mut().zip(x).zip(mask.iter()) {
                *output = x * R::of(mask.into());
            }
        });
    output
}

/// Adds `left · right`, with `dropout`'s elements dropped, to `output`.
fn add_masked<R: Real>(
    output: &mut [R],
    left: Matrix<'_, R>,
    right: Matrix<'_, R>,
    dropout: DropoutMask,
) {
    let (inner, width) = (left.columns, right.columns);
    let part = ROWS * width;
    output
        .par_chunks_mut(part)
        .zip(left.elements.par_chunks(ROWS * inner))
        .enumerate()
        .for_each_init(
            || (Vec::new(), vec![R::zero(); part]),
            |(mask, product), (index, (output, left))| {
                let left = Matrix::new(left, output.len() / width, inner, inner);
                let product = &mut product[..output.len()];
                multiply(product, width, left, right, false, false);
                dropout.fill(mask, index * part, output.len());
                for ((output, &product), &mask) in output.iter_mut().zip(&*product).zip(&*mask) {
                    *output += product * R::of(mask.into());
                }
            },
        );
}

impl DropoutMask {
    /// Elements `start..start + length` of the mask, in `mask`.
    fn fill(&self, mask: &mut Vec<f32>, start: usize, length: usize) {
        mask.resize(length, 0.0);
        self.random
            .fill_dropout(start as u64, self.probability, mask);
    }
}

/// A tensor of two dimensions, which went through [`contiguous`].
fn matrix<R: Real>(tensor: &FlexTensor) -> Matrix<'_, R> {
    let shape = tensor.layout().shape();
    Matrix::new(elements(tensor), shape[0], shape[1], shape[1])
}

fn product<R: Real>(left: Matrix<'_, R>, right: Matrix<'_, R>, precision: Precision) -> FlexTensor {
    let shape = [left.rows, right.columns];
    tensor(products(left, right, precision), shape)
}

/// `x · weightᵀ`. Of few rows the operands of bf16 are not rounded: that would take longer than the product.
fn forward<R: Real>(x: Matrix<'_, R>, weight: Matrix<'_, R>, precision: Precision) -> Vec<R> {
    if R::dtype() == DType::F32 && x.rows <= few_rows::MOST {
        let mut output = vec![R::zero(); x.rows * weight.rows];
        if few_rows::multiply(
            bytemuck::cast_slice_mut(&mut output),
            x.cast(),
            weight.cast(),
        ) {
            return output;
        }
    }
    products(x, weight.transposed(), precision)
}

/// `left · right`.
fn products<R: Real>(left: Matrix<'_, R>, right: Matrix<'_, R>, precision: Precision) -> Vec<R> {
    let columns = right.columns;
    let mut output = vec![R::zero(); left.rows * columns];
    multiply_in(precision, &mut output, columns, left, right, false, true);
    output
}
