//! One decoder layer.

use burn::tensor::Tensor;
use glpft_checkpoints::{ModelConfig, Norms};

use crate::adapter::Dropout;
use crate::attention::Attention;
use crate::cache::{LayerCache, Pass};
use crate::error::ModelError;
use crate::feed_forward::FeedForward;
use crate::inputs::Inputs;
use crate::linear::Linear;
use crate::norm::Norm;
use crate::parameter::{Builder, ParameterVisitor, Parameters};

/// Attention and feed-forward, each on the normed residual stream and added back to it.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The norms around attention.
    pub attention_norms: NormPair,
    /// The attention layer.
    pub self_attn: Attention,
    /// The norms around the feed-forward layer.
    pub feed_forward_norms: NormPair,
    /// The feed-forward layer.
    pub mlp: FeedForward,
    residual_scale: f64,
}

/// The norm before a part of a layer, and the one after it where there is one.
#[derive(Clone, Debug)]
pub struct NormPair {
    names: [&'static str; 2],
    /// Of what the part reads.
    pub before: Norm,
    /// Of what it makes.
    pub after: Option<Norm>,
}

impl NormPair {
    fn load<E: From<ModelError>>(
        config: &ModelConfig,
        path: &str,
        before: &'static str,
        after: Option<&'static str>,
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let mut load = |name: &str| {
            Norm::load(
                config,
                &format!("{path}.{name}"),
                config.hidden_size,
                builder,
            )
        };
        Ok(Self {
            names: [before, after.unwrap_or_default()],
            before: load(before)?,
            after: after.map(load).transpose()?,
        })
    }

    /// Adds what the part made to the stream.
    fn add(&self, stream: Tensor<2>, made: Tensor<2>, scale: f64) -> Tensor<2> {
        let made = match &self.after {
            Some(norm) => norm.forward(made),
            None => made,
        };
        match scale == 1.0 {
            true => stream + made,
            false => stream + made * scale,
        }
    }

    fn visit_before(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        self.before
            .visit(&format!("{path}.{}", self.names[0]), visitor);
    }

    fn visit_after(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        if let Some(after) = &mut self.after {
            after.visit(&format!("{path}.{}", self.names[1]), visitor);
        }
    }
}

impl Layer {
    /// The layer of that number.
    pub(crate) fn load<E: From<ModelError>>(
        config: &ModelConfig,
        number: usize,
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let path = &format!("model.layers.{number}");
        let plan = config.layer(number);
        let projections = config.projections_of(number);
        let (of_attention, of_feed_forward) =
            projections.split_at(plan.attention.projections.paths().len());
        let [attention, feed_forward] = match plan.norms {
            Norms::Before([attention, feed_forward]) => [(attention, None), (feed_forward, None)],
            Norms::Around([before, after, before_mlp, after_mlp]) => {
                [(before, Some(after)), (before_mlp, Some(after_mlp))]
            }
        };
        Ok(Self {
            attention_norms: NormPair::load(config, path, attention.0, attention.1, builder)?,
            self_attn: Attention::load(config, number, of_attention, builder)?,
            feed_forward_norms: NormPair::load(
                config,
                path,
                feed_forward.0,
                feed_forward.1,
                builder,
            )?,
            mlp: FeedForward::load(&plan.feed_forward, of_feed_forward, builder)?,
            residual_scale: plan.residual_scale,
        })
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(&self, x: Tensor<2>, inputs: &Inputs, dropout: Option<Dropout>) -> Tensor<2> {
        let normed = self.attention_norms.before.input(x.clone());
        let made = self.self_attn.forward(normed, inputs, dropout);
        self.feed_forward(
            self.attention_norms.add(x, made, self.residual_scale),
            dropout,
        )
    }

    /// What tokens behind these attend to, of the layer's input: [`Attention::keys_and_values`].
    pub(crate) fn keys_and_values(&self, x: &Tensor<2>, inputs: &Inputs) -> (Tensor<2>, Tensor<2>) {
        let normed = self.attention_norms.before.input(x.clone());
        self.self_attn.keys_and_values(normed, inputs)
    }

    /// [`forward`](Self::forward) of new tokens alone, those before them being in the cache.
    pub(crate) fn extend(&self, x: Tensor<2>, pass: &Pass, cache: &mut LayerCache) -> Tensor<2> {
        let normed = self.attention_norms.before.input(x.clone());
        let made = self.self_attn.extend(normed, pass, cache);
        self.feed_forward(self.attention_norms.add(x, made, self.residual_scale), None)
    }

    /// The second half of the layer.
    fn feed_forward(&self, x: Tensor<2>, dropout: Option<Dropout>) -> Tensor<2> {
        let normed = self.feed_forward_norms.before.input(x.clone());
        let made = self.mlp.forward(normed, dropout);
        self.feed_forward_norms.add(x, made, self.residual_scale)
    }

    /// The layer's projections, in the order of [`ModelConfig::projections_of`].
    pub fn projections(&mut self) -> impl Iterator<Item = &mut Linear> {
        self.self_attn.projections().chain(self.mlp.projections())
    }
}

impl Parameters for Layer {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        self.attention_norms.visit_before(path, visitor);
        self.self_attn.visit(path, visitor);
        self.attention_norms.visit_after(path, visitor);
        self.feed_forward_norms.visit_before(path, visitor);
        self.mlp.visit(path, visitor);
        self.feed_forward_norms.visit_after(path, visitor);
    }
}
