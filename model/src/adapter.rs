//! Low-rank adapters (LoRA, arXiv 2106.09685) on the activation path.

use burn::tensor::Tensor;
use glpft_checkpoints::AdapterConfig;
use glpft_data::Random;
use glpft_recipes::LoraRecipe;

use crate::kernels::{DropoutMask, LowRank};
use crate::parameter::{Parameter, ParameterVisitor, Parameters};

/// Adds `scale · (dropout(x) · Aᵀ) · Bᵀ` to a projection.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// A, `[rank, in]`.
    pub a: Parameter<2>,
    /// B, `[out, rank]`; zero at the start.
    pub b: Parameter<2>,
    /// `alpha / rank`, or `alpha / √rank`.
    pub scale: f64,
    /// Probability that an element of the input is dropped, while training.
    pub dropout: f64,
    /// The projection's number among the model's: which sequence of random numbers its dropout reads.
    pub number: u64,
}

/// The settings of the adapters that a recipe asks for; they name no base.
pub fn adapter_config(lora: &LoraRecipe) -> AdapterConfig {
    let ranks = lora.rank_pattern.iter();
    let alphas = lora.alpha_pattern.iter();
    AdapterConfig {
        rank: lora.rank,
        alpha: lora.alpha,
        dropout: lora.dropout,
        rslora: lora.rslora,
        rank_pattern: ranks
            .map(|(pattern, rank)| (pattern.clone(), *rank))
            .collect(),
        alpha_pattern: alphas
            .map(|(pattern, alpha)| (pattern.clone(), *alpha))
            .collect(),
        target_modules: lora.target_modules.iter().collect(),
        ..AdapterConfig::default()
    }
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
}

impl Adapter {
    /// What its product does beside its matrices; dropout is for training only.
    pub(crate) fn low_rank(&self, dropout: Option<Dropout>) -> LowRank {
        let dropout = dropout.filter(|_| self.dropout > 0.0);
        LowRank {
            scale: self.scale,
            dropout: dropout.map(|dropout| DropoutMask {
                random: dropout.random.stream(self.number),
                probability: self.dropout,
            }),
        }
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
