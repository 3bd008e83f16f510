//! The output head and its cross-entropy.

use burn::backend::tensor::{FloatTensor, IndexingUpdateOp, IntTensor};

use burn::backend::{Backend, TensorMetadata};

/// See [`crate::kernels::DecoderOps::linear_cross_entropy_forward`].
#[allow(
    clippy::too_many_arguments,
    reason = "the two switches keep validation from paying for gradients"
)]
pub fn linear_cross_entropy_forward<B: Backend>(
    hidden: FloatTensor<B>,
    head: FloatTensor<B>,
    rows: IntTensor<B>,
    tokens: IntTensor<B>,
    weights: FloatTensor<B>,
    hidden_grad: bool,
    head_grad: bool,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let (positions, vocabulary, targets) = (hidden.shape()[0], head.shape()[0], rows.shape()[0]);
    let device = hidden.device();
    let dtype = hidden.dtype();
    let logits = B::float_matmul(hidden.clone(), B::float_transpose(head.clone()));
    let largest = B::float_max_dim(logits.clone(), 1);
    let exponentials = B::float_exp(B::float_sub(logits.clone(), largest.clone()));
    let total = B::float_sum_dim(exponentials.clone(), 1);
    let log_sum_exp = B::float_add(largest, B::float_log(total.clone()));

    let flat = B::int_add(
        B::int_mul_scalar(rows.clone(), (vocabulary as i64).into()),
        tokens,
    );
    let predicted = B::float_select(
        B::float_reshape(logits, [positions * vocabulary].into()),
        0,
        flat.clone(),
    );
    let of_row = B::float_select(
        B::float_reshape(log_sum_exp, [positions].into()),
        0,
        rows.clone(),
    );
    let losses = B::float_mul(B::float_sub(of_row, predicted), weights.clone());
    let loss = B::float_sum(losses);

    let none = || B::float_zeros([1, 1].into(), &device, dtype.into());
    if !hidden_grad && !head_grad {
        return (loss, none(), none());
    }
    // d loss / d logits = (Σ of the row's weights) · softmax − Σ weight · one-hot(token).
    let row_weights = B::float_select_assign(
        B::float_zeros([positions].into(), &device, dtype.into()),
        0,
        rows,
        weights.clone(),
        IndexingUpdateOp::Add,
    );
    let factor = B::float_div(B::float_reshape(row_weights, [positions, 1].into()), total);
    let dlogits = B::float_mul(exponentials, factor);
    let dlogits = B::float_select_assign(
        B::float_reshape(dlogits, [positions * vocabulary].into()),
        0,
        flat,
        B::float_neg(B::float_reshape(weights, [targets].into())),
        IndexingUpdateOp::Add,
    );
    let dlogits = B::float_reshape(dlogits, [positions, vocabulary].into());
    let dhidden = if hidden_grad {
        B::float_matmul(dlogits.clone(), head)
    } else {
        none()
    };
    let dhead = if head_grad {
        B::float_matmul(B::float_transpose(dlogits), hidden)
    } else {
        none()
    };
    (loss, dhidden, dhead)
}
