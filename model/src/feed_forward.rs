//! The feed-forward layer.

use burn::tensor::Tensor;
use glpft_checkpoints::{Activation, FeedForwardPlan, Projection};

use crate::adapter::Dropout;
use crate::error::ModelError;
use crate::kernels::ProjectionInput;
use crate::linear::{Linear, Named};
use crate::parameter::{Builder, ParameterVisitor, Parameters};

/// A gated layer (arXiv 2002.05202): `down(activation(gate(x)) * up(x))`.
#[derive(Clone, Debug)]
pub struct FeedForward {
    /// Those of gate and up, or one whose output is both; then the one back.
    projections: Vec<Named>,
    activation: Activation,
}

impl FeedForward {
    pub(crate) fn load<E: From<ModelError>>(
        plan: &FeedForwardPlan,
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            projections: Named::load_all(plan.projections.paths(), projections, builder)?,
            activation: plan.activation,
        })
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(&self, input: ProjectionInput, dropout: Option<Dropout>) -> Tensor<2> {
        let of = |at: usize, input| self.projections[at].linear.forward(input, dropout);
        let (gate, up) = match self.projections.len() {
            2 => {
                let both = of(0, input);
                let [tokens, width] = both.dims();
                let part = |from, to| both.clone().slice([0..tokens, from..to]);
                (part(0, width / 2), part(width / 2, width))
            }
            _ => (of(0, input.clone()), of(1, input)),
        };
        let gated = ProjectionInput::gated(gate, up, self.activation);
        of(self.projections.len() - 1, gated)
    }

    /// The projections, in the order of the plan.
    pub fn projections(&mut self) -> impl Iterator<Item = &mut Linear> {
        self.projections.iter_mut().map(|named| &mut named.linear)
    }
}

impl Parameters for FeedForward {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        for projection in &mut self.projections {
            projection.visit(path, visitor);
        }
    }
}
