//! The feed-forward layer.

use burn::tensor::Tensor;
use glpft_checkpoints::Projection;

use crate::adapter::Dropout;
use crate::error::ModelError;
use crate::kernels::ProjectionInput;
use crate::linear::Linear;
use crate::parameter::{Builder, ParameterVisitor, Parameters};

/// SwiGLU (arXiv 2002.05202): `down(silu(gate(x)) * up(x))`.
#[derive(Clone, Debug)]
pub struct FeedForward {
    /// The gate's projection.
    pub gate_proj: Linear,
    /// The projection that is gated.
    pub up_proj: Linear,
    /// The projection back.
    pub down_proj: Linear,
}

impl FeedForward {
    pub(crate) fn load<E: From<ModelError>>(
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            gate_proj: Linear::load(&projections[0], builder)?,
            up_proj: Linear::load(&projections[1], builder)?,
            down_proj: Linear::load(&projections[2], builder)?,
        })
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(&self, input: ProjectionInput, dropout: Option<Dropout>) -> Tensor<2> {
        let gate = self.gate_proj.forward(input.clone(), dropout);
        let up = self.up_proj.forward(input, dropout);
        self.down_proj
            .forward(ProjectionInput::gated(gate, up), dropout)
    }
}

impl Parameters for FeedForward {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        self.gate_proj.visit(&format!("{path}.gate_proj"), visitor);
        self.up_proj.visit(&format!("{path}.up_proj"), visitor);
        self.down_proj.visit(&format!("{path}.down_proj"), visitor);
    }
}
