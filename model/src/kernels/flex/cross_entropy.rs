//! The output head and its cross-entropy, a chunk of rows at a time.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::matrix::{Matrix, multiply};
use super::real::{Real, contiguous, elements, indices, tensor, vectorized};
use super::softmax::{exponentials, largest};

/// Rows whose logits exist at a time.
const ROWS: usize = 128;

/// A target: its token and its weight.
type Target<R> = (usize, R);

/// See [`crate::kernels::DecoderOps::linear_cross_entropy_forward`].
pub fn forward<R: Real>(
    hidden: FlexTensor,
    head: FlexTensor,
    rows: FlexTensor,
    tokens: FlexTensor,
    weights: FlexTensor,
    hidden_grad: bool,
    head_grad: bool,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let [hidden, head, weights] = [hidden, head, weights].map(contiguous);
    let (positions, width) = (hidden.layout().shape()[0], hidden.layout().shape()[1]);
    let vocabulary = head.layout().shape()[0];
    let mut targets: Vec<Vec<Target<R>>> = vec![Vec::new(); positions];
    for ((row, token), &weight) in indices(rows)
        .into_iter()
        .zip(indices(tokens))
        .zip(elements::<R>(&weights))
    {
        targets[row].push((token, weight));
    }
    let (hidden, head) = (elements::<R>(&hidden), elements::<R>(&head));
    let head = Matrix::new(head, vocabulary, width, width);
    let mut dhidden = vec![R::zero(); if hidden_grad { positions * width } else { 0 }];
    let mut dhead = vec![R::zero(); if head_grad { vocabulary * width } else { 0 }];
    let mut logits = vec![R::zero(); ROWS.min(positions) * vocabulary];
    let mut loss = 0.0;
    for start in (0..positions).step_by(ROWS) {
        let end = (start + ROWS).min(positions);
        let chunk = Matrix::new(&hidden[start * width..], end - start, width, width);
        let logits = &mut logits[..(end - start) * vocabulary];
        multiply(logits, vocabulary, chunk, head.transposed(), false, true);
        let gradients = hidden_grad || head_grad;
        let losses: Vec<f64> = logits
            .par_chunks_mut(vocabulary)
            .zip(&targets[start..end])
            .map(|(logits, targets)| {
                vectorized(
                    #[inline(always)]
                    || row(logits, targets, gradients),
                )
            })
            .collect();
        loss += losses.into_iter().sum::<f64>();
        let dlogits = Matrix::new(logits, end - start, vocabulary, vocabulary);
        if hidden_grad {
            multiply(
                &mut dhidden[start * width..],
                width,
                dlogits,
                head,
                false,
                true,
            );
        }
        if head_grad {
            multiply(&mut dhead, width, dlogits.transposed(), chunk, true, true);
        }
    }
    let or_nothing = |gradient: Vec<R>, rows: usize| match gradient.is_empty() {
        true => tensor(vec![R::zero()], [1, 1]),
        false => tensor(gradient, [rows, width]),
    };
    (
        tensor(vec![R::of(loss)], [1]),
        or_nothing(dhidden, positions),
        or_nothing(dhead, vocabulary),
    )
}

/// The loss of one row of logits, which become their own gradients if `gradients`.
#[inline(always)]
fn row<R: Real>(logits: &mut [R], targets: &[Target<R>], gradients: bool) -> f64 {
    let most = largest(logits);
    let chosen: Vec<R> = targets.iter().map(|&(token, _)| logits[token]).collect();
    let total = exponentials(logits, most, R::one());
    let log_sum_exp = most + total.ln();
    let mut loss = 0.0;
    let mut weight = R::zero();
    for (&(_, of_target), logit) in targets.iter().zip(chosen) {
        loss += (of_target * (log_sum_exp - logit)).elem::<f64>();
        weight += of_target;
    }
    if gradients {
        let factor = weight / total;
        for logit in logits.iter_mut() {
            *logit = *logit * factor;
        }
        for &(token, of_target) in targets {
            logits[token] = logits[token] - of_target;
        }
    }
    loss
}
