//! Low-rank adapters (LoRA, arXiv 2106.09685) on the activation path.

use burn::tensor::{Tensor, TensorData};
use glpft_data::Random;
use rayon::prelude::*;

use crate::parameter::{Parameter, ParameterVisitor, Parameters};

/// Adds `scale · (dropout(x) · Aᵀ) · Bᵀ` to a projection.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// A, `[rank, in]`.
    pub a: Parameter<2>,
    /// B, `[out, rank]`; zero at the start.
    pub b: Parameter<2>,
    /// `alpha / rank`.
    pub scale: f64,
    /// Probability that an element of the input is dropped, while training.
    pub dropout: f64,
    /// The projection's number among the model's: which sequence of random numbers its dropout reads.
    pub number: u64,
}

/// The random numbers of one forward pass's dropout.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    random: Random,
}

impl Dropout {
    /// Masks from `random`, which should be a sequence of this forward pass alone.
    pub fn new(random: Random) -> Self {
        Self { random }
    }

    /// `x` with each element dropped with `probability` and the others scaled up; `number` tells masks apart.
    fn apply(&self, x: Tensor<2>, probability: f64, number: u64) -> Tensor<2> {
        let [tokens, width] = x.dims();
        let random = self.random.stream(number);
        let mut mask = vec![0f32; tokens * width];
        const BLOCK: usize = 1 << 14;
        mask.par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(block, part)| {
                random.fill_dropout((block * BLOCK) as u64, probability, part);
            });
        let mask = TensorData::new(mask, [tokens, width]);
        let mask = Tensor::from_data(mask, (&x.device(), x.dtype()));
        x * mask
    }
}

impl Adapter {
    /// What the adapter adds to the output, for input `x` `[tokens, in]`: `[tokens, out]`.
    pub fn forward(&self, x: Tensor<2>, dropout: Option<Dropout>) -> Tensor<2> {
        let x = match dropout {
            Some(dropout) if self.dropout > 0.0 => dropout.apply(x, self.dropout, self.number),
            _ => x,
        };
        let low = x.matmul(self.a.value().transpose());
        // The scale goes on the narrow side: rank elements a token instead of out.
        (low * self.scale).matmul(self.b.value().transpose())
    }

    /// What the adapter adds to the weight, `[out, in]`.
    pub fn delta(&self) -> Tensor<2> {
        self.b.value().matmul(self.a.value()) * self.scale
    }
}

impl Parameters for Adapter {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        visitor.visit(&format!("{path}.lora_A.weight"), &mut self.a);
        visitor.visit(&format!("{path}.lora_B.weight"), &mut self.b);
    }
}
