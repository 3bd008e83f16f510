//! What projections read, and what a backward pass makes it of again.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, DispatchTensor};
use burn::tensor::Tensor;
use glpft_checkpoints::Activation;

use super::{DecoderOps, gate, rms_norm};

/// How a backward pass gets the input of a projection, from two tensors that are kept for other reasons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remake {
    /// It is the first of the two.
    Kept,
    /// It is the norm of the first, with the second as its weight.
    Norm {
        /// See [`rms_norm`].
        epsilon: f64,
    },
    /// It is the second, gated by the first: [`gate`].
    Gate {
        /// What the first goes through.
        activation: Activation,
    },
}

/// What a projection reads, `[tokens, in]`, and what it was made of.
///
/// The gradient of a projection's weight needs the projection's input. A norm's or a gate's output is cheap to compute
/// once more from what the norm or the gate keeps anyway, so that it need not be kept, too.
#[derive(Clone, Debug)]
pub struct ProjectionInput {
    x: Tensor<2>,
    of: [DispatchTensor; 2],
    remake: Remake,
}

impl ProjectionInput {
    /// `x` itself, which is kept.
    pub fn kept(x: Tensor<2>) -> Self {
        let of = x.clone().into_dispatch();
        Self {
            x,
            of: [of.clone(), of],
            remake: Remake::Kept,
        }
    }

    /// The norm of `x`, `[tokens, in]`, by `weight`, `[in]`: [`rms_norm`].
    pub fn normed(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Self {
        Self {
            x: rms_norm(x.clone(), weight.clone(), epsilon),
            of: [x.into_dispatch(), weight.into_dispatch()],
            remake: Remake::Norm { epsilon },
        }
    }

    /// `up` gated by `gate`, all `[tokens, in]`: [`gate`].
    pub fn gated(of: Tensor<2>, up: Tensor<2>, activation: Activation) -> Self {
        Self {
            x: gate(of.clone(), up.clone(), activation),
            of: [of.into_dispatch(), up.into_dispatch()],
            remake: Remake::Gate { activation },
        }
    }

    /// The tensor, the two that it is made of, and how.
    pub(super) fn into_parts(self) -> (DispatchTensor, [DispatchTensor; 2], Remake) {
        (self.x.into_dispatch(), self.of, self.remake)
    }
}

/// A projection's input as its backward pass has it.
#[derive(Clone, Debug)]
pub(super) struct Remade<B: Backend> {
    pub of: FloatTensor<B>,
    pub with: FloatTensor<B>,
    pub remake: Remake,
}

impl<B: DecoderOps> Remade<B> {
    /// The input.
    pub fn make(self) -> FloatTensor<B> {
        match self.remake {
            Remake::Kept => self.of,
            Remake::Norm { epsilon } => B::rms_norm(self.of, self.with, epsilon),
            Remake::Gate { activation } => B::gate(self.of, self.with, activation),
        }
    }
}
