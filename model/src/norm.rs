//! Norms with their weights.

use burn::tensor::Tensor;
use glpft_checkpoints::{ModelConfig, NormForm};

use crate::error::ModelError;
use crate::kernels::{ProjectionInput, rms_norm};
use crate::parameter::{Builder, Parameter, ParameterVisitor};

/// A root mean square norm.
#[derive(Clone, Debug)]
pub struct Norm {
    /// The weight as files have it, `[width]`.
    pub weight: Parameter<1>,
    form: NormForm,
    epsilon: f64,
}

impl Norm {
    /// The norm whose module is at `path`, of `width` numbers.
    pub(crate) fn load<E: From<ModelError>>(
        config: &ModelConfig,
        path: &str,
        width: usize,
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            weight: builder.parameter(format!("{path}.weight"), [width])?,
            form: config.plan.norm,
            epsilon: config.rms_norm_eps,
        })
    }

    /// What it multiplies with.
    fn factor(&self) -> Tensor<1> {
        match self.form {
            NormForm::Weight => self.weight.value(),
            NormForm::OnePlusWeight => self.weight.value() + 1.0,
        }
    }

    /// The norm of each row of `x`, `[rows, width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        rms_norm(x, self.factor(), self.epsilon)
    }

    /// The same for projections to read.
    pub fn input(&self, x: Tensor<2>) -> ProjectionInput {
        ProjectionInput::normed(x, self.factor(), self.epsilon)
    }

    /// The norm of each head of `x`, `[tokens, heads * width]`.
    pub fn heads(&self, x: Tensor<2>, width: usize) -> Tensor<2> {
        let [tokens, all] = x.dims();
        let heads = x.reshape([tokens * all / width, width]);
        self.forward(heads).reshape([tokens, all])
    }

    pub(crate) fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        visitor.visit(&format!("{path}.weight"), &mut self.weight);
    }
}
