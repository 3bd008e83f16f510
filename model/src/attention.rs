//! The attention layer.

use burn::tensor::Tensor;
use glpft_checkpoints::{ModelConfig, Projection};
use glpft_recipes::Precision;

use crate::adapter::Dropout;
use crate::error::ModelError;
use crate::generation::{LayerCache, Pass};
use crate::inputs::Inputs;
use crate::kernels::{AttentionShape, ProjectionInput, rms_norm, rotary, tree_attention};
use crate::linear::Linear;
use crate::parameter::{Builder, Parameter, ParameterVisitor, Parameters};

/// Grouped-query attention (arXiv 2305.13245) with rotary positions, over a prefix forest.
#[derive(Clone, Debug)]
pub struct Attention {
    /// The query projection.
    pub q_proj: Linear,
    /// The key projection.
    pub k_proj: Linear,
    /// The value projection.
    pub v_proj: Linear,
    /// The output projection.
    pub o_proj: Linear,
    /// Norms of each query and key head before rotation, `[head_dim]` (Qwen3).
    pub head_norms: Option<[Parameter<1>; 2]>,
    epsilon: f64,
    shape: AttentionShape,
}

impl Attention {
    pub(crate) fn load<E: From<ModelError>>(
        config: &ModelConfig,
        path: &str,
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let head_norms = match config.qk_norm {
            true => Some([
                builder.parameter(format!("{path}.q_norm.weight"), [config.head_dim])?,
                builder.parameter(format!("{path}.k_norm.weight"), [config.head_dim])?,
            ]),
            false => None,
        };
        Ok(Self {
            q_proj: Linear::load(&projections[0], builder)?,
            k_proj: Linear::load(&projections[1], builder)?,
            v_proj: Linear::load(&projections[2], builder)?,
            o_proj: Linear::load(&projections[3], builder)?,
            head_norms,
            epsilon: config.rms_norm_eps,
            shape: AttentionShape {
                heads: config.heads,
                kv_heads: config.kv_heads,
                head_dim: config.head_dim,
                scale: (config.head_dim as f64).powf(-0.5),
                precision: Precision::F32,
            },
        })
    }

    /// Sets the precision of the products of queries, keys and values.
    pub(crate) fn set_precision(&mut self, precision: Precision) {
        self.shape.precision = precision;
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(
        &self,
        input: ProjectionInput,
        inputs: &Inputs,
        dropout: Option<Dropout>,
    ) -> Tensor<2> {
        let (query, key, value) = self.project(input, &inputs.cos, &inputs.sin, dropout);
        let mixed = tree_attention(query, key, value, inputs.subtree_end.clone(), self.shape);
        self.o_proj.forward(ProjectionInput::kept(mixed), dropout)
    }

    /// [`forward`](Self::forward) of new tokens alone, those before them being in the cache.
    pub(crate) fn extend(
        &self,
        input: ProjectionInput,
        pass: &Pass,
        cache: &mut LayerCache,
    ) -> Tensor<2> {
        let (query, key, value) = self.project(input, &pass.cos, &pass.sin, None);
        let mixed = cache.attend(query, key, value, &pass.runs, self.shape);
        self.o_proj.forward(ProjectionInput::kept(mixed), None)
    }

    /// Queries, keys and values, the first two rotated.
    fn project(
        &self,
        input: ProjectionInput,
        cos: &Tensor<2>,
        sin: &Tensor<2>,
        dropout: Option<Dropout>,
    ) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
        let query = self.q_proj.forward(input.clone(), dropout);
        let key = self.k_proj.forward(input.clone(), dropout);
        let value = self.v_proj.forward(input, dropout);
        let (query, key) = match &self.head_norms {
            Some([of_query, of_key]) => (
                self.norm_heads(query, of_query),
                self.norm_heads(key, of_key),
            ),
            None => (query, key),
        };
        let query = rotary(query, cos.clone(), sin.clone());
        let key = rotary(key, cos.clone(), sin.clone());
        (query, key, value)
    }

    fn norm_heads(&self, x: Tensor<2>, weight: &Parameter<1>) -> Tensor<2> {
        let [tokens, width] = x.dims();
        let head_dim = self.shape.head_dim;
        let heads = x.reshape([tokens * width / head_dim, head_dim]);
        rms_norm(heads, weight.value(), self.epsilon).reshape([tokens, width])
    }
}

impl Parameters for Attention {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        self.q_proj.visit(&format!("{path}.q_proj"), visitor);
        self.k_proj.visit(&format!("{path}.k_proj"), visitor);
        self.v_proj.visit(&format!("{path}.v_proj"), visitor);
        self.o_proj.visit(&format!("{path}.o_proj"), visitor);
        if let Some([of_query, of_key]) = &mut self.head_norms {
            visitor.visit(&format!("{path}.q_norm.weight"), of_query);
            visitor.visit(&format!("{path}.k_norm.weight"), of_key);
        }
    }
}
