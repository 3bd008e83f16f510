//! One decoder layer.

use burn::tensor::Tensor;
use glpft_checkpoints::{ModelConfig, Projection};

use crate::adapter::Dropout;
use crate::attention::Attention;
use crate::error::ModelError;
use crate::feed_forward::FeedForward;
use crate::generation::{LayerCache, Pass};
use crate::inputs::Inputs;
use crate::kernels::ProjectionInput;
use crate::linear::Linear;
use crate::parameter::{Builder, Parameter, ParameterVisitor, Parameters};

/// Attention and feed-forward, each on the normed residual stream and added back to it.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The norm before attention, `[hidden]`.
    pub input_layernorm: Parameter<1>,
    /// The attention layer.
    pub self_attn: Attention,
    /// The norm before the feed-forward layer, `[hidden]`.
    pub post_attention_layernorm: Parameter<1>,
    /// The feed-forward layer.
    pub mlp: FeedForward,
    epsilon: f64,
}

impl Layer {
    pub(crate) fn load<E: From<ModelError>>(
        config: &ModelConfig,
        path: &str,
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let hidden = config.hidden_size;
        Ok(Self {
            input_layernorm: builder
                .parameter(format!("{path}.input_layernorm.weight"), [hidden])?,
            self_attn: Attention::load(
                config,
                &format!("{path}.self_attn"),
                &projections[..4],
                builder,
            )?,
            post_attention_layernorm: builder
                .parameter(format!("{path}.post_attention_layernorm.weight"), [hidden])?,
            mlp: FeedForward::load(&projections[4..], builder)?,
            epsilon: config.rms_norm_eps,
        })
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(&self, x: Tensor<2>, inputs: &Inputs, dropout: Option<Dropout>) -> Tensor<2> {
        let normed = self.norm(&x, &self.input_layernorm);
        let x = x + self.self_attn.forward(normed, inputs, dropout);
        let normed = self.norm(&x, &self.post_attention_layernorm);
        x + self.mlp.forward(normed, dropout)
    }

    /// [`forward`](Self::forward) of new tokens alone, those before them being in the cache.
    pub(crate) fn extend(&self, x: Tensor<2>, pass: &Pass, cache: &mut LayerCache) -> Tensor<2> {
        let normed = self.norm(&x, &self.input_layernorm);
        let x = x + self.self_attn.extend(normed, pass, cache);
        let normed = self.norm(&x, &self.post_attention_layernorm);
        x + self.mlp.forward(normed, None)
    }

    fn norm(&self, x: &Tensor<2>, weight: &Parameter<1>) -> ProjectionInput {
        ProjectionInput::normed(x.clone(), weight.value(), self.epsilon)
    }

    /// The layer's projections, by the last part of their names.
    pub fn projections(&mut self) -> [(&'static str, &mut Linear); 7] {
        let Attention {
            q_proj,
            k_proj,
            v_proj,
            o_proj,
            ..
        } = &mut self.self_attn;
        let FeedForward {
            gate_proj,
            up_proj,
            down_proj,
        } = &mut self.mlp;
        let linears = [
            q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj,
        ];
        let mut linears = linears.into_iter();
        Projection::NAMES.map(|name| (name, linears.next().expect("seven projections")))
    }
}

impl Parameters for Layer {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        visitor.visit(
            &format!("{path}.input_layernorm.weight"),
            &mut self.input_layernorm,
        );
        self.self_attn.visit(&format!("{path}.self_attn"), visitor);
        visitor.visit(
            &format!("{path}.post_attention_layernorm.weight"),
            &mut self.post_attention_layernorm,
        );
        self.mlp.visit(&format!("{path}.mlp"), visitor);
    }
}
