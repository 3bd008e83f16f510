//! What a model computes, layer by layer: what the decoder is built from, and the one place that says which tensors a layer
//! has.

use super::Rope;

/// What a model computes beside its sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What embedded tokens are multiplied with.
    pub embedding_scale: f64,
    /// What the logits are divided by.
    pub logits_divisor: f64,
    /// What every RMS norm multiplies with.
    pub norm: NormForm,
    /// The rotary embedding of the layers that have [`Rotary::Local`].
    pub local_rope: Option<Rope>,
    /// The layers, from the first: one for each, or fewer that come again and again. Never empty.
    pub layers: Vec<LayerPlan>,
}

/// What a norm multiplies with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormForm {
    /// Its weight.
    Weight,
    /// One and its weight.
    OnePlusWeight,
}

/// A decoder layer: attention, then a gated feed-forward layer, each added to the residual stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerPlan {
    /// Which norms there are, and where.
    pub norms: Norms,
    /// The attention.
    pub attention: AttentionPlan,
    /// The feed-forward layer.
    pub feed_forward: FeedForwardPlan,
    /// What the output of each of the two is multiplied with before it is added.
    pub residual_scale: f64,
}

/// The norms of a layer by the names of their modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    /// One before attention, one before the feed-forward layer.
    Before([&'static str; 2]),
    /// Before and after attention, before and after the feed-forward layer.
    Around([&'static str; 4]),
}

/// The attention of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionPlan {
    /// Its linear maps.
    pub projections: AttentionProjections,
    /// Whether those of queries, keys and values have a bias.
    pub input_bias: bool,
    /// Whether that of the output has one.
    pub output_bias: bool,
    /// Whether each query and key head is normed over its width before it turns.
    pub head_norms: bool,
    /// How queries and keys turn with their positions.
    pub rotary: Rotary,
    /// How many positions back, its own among them, a token attends; none: to all.
    pub window: Option<usize>,
    /// What scores are multiplied with; none: one over the root of a head's width.
    pub scale: Option<f64>,
}

/// The linear maps of an attention layer by their paths in the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionProjections {
    /// Of queries, keys, values and the output.
    Split([&'static str; 4]),
    /// One whose rows are those of queries, keys and values; and that of the output.
    Fused([&'static str; 2]),
}

/// How queries and keys turn with their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotary {
    /// Not at all.
    None,
    /// By the model's [`Rope`].
    Main,
    /// By the plan's [`local_rope`](Plan::local_rope).
    Local,
}

/// A gated feed-forward layer.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedForwardPlan {
    /// Its linear maps.
    pub projections: FeedForwardProjections,
    /// Whether they have biases.
    pub bias: bool,
    /// What the gate goes through.
    pub activation: Activation,
}

/// The linear maps of a feed-forward layer by their paths in the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForwardProjections {
    /// Of the gate, of what is gated, and back.
    Split([&'static str; 3]),
    /// One whose rows are those of the gate and of what is gated; and that back.
    Fused([&'static str; 2]),
}

/// What the gate of a feed-forward layer goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`.
    Silu,
    /// The approximation of `x · Φ(x)` by tanh (arXiv 1606.08415): `x · sigmoid(√(8/π) · (x + 0.044715 x³))`.
    GeluTanh,
}

impl Activation {
    /// Its name in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silu => "silu",
            Self::GeluTanh => "gelu_pytorch_tanh",
        }
    }
}

impl Plan {
    /// Nothing unusual, and every layer the same.
    pub fn plain(layer: LayerPlan) -> Self {
        Self {
            embedding_scale: 1.0,
            logits_divisor: 1.0,
            norm: NormForm::Weight,
            local_rope: None,
            layers: vec![layer],
        }
    }

    /// The layer of that number.
    pub fn layer(&self, number: usize) -> &LayerPlan {
        &self.layers[number % self.layers.len()]
    }

    /// A layer for each number, where they differ.
    pub(super) fn each<E>(
        &mut self,
        layers: usize,
        mut change: impl FnMut(usize, &mut LayerPlan) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut all = Vec::with_capacity(layers);
        for number in 0..layers {
            let mut layer = self.layer(number).clone();
            change(number, &mut layer)?;
            all.push(layer);
        }
        if let Some(first) = all.first()
            && all.iter().all(|layer| layer == first)
        {
            all.truncate(1);
        }
        self.layers = all;
        Ok(())
    }
}

impl Default for LayerPlan {
    /// Llama's.
    fn default() -> Self {
        Self {
            norms: Norms::Before(["input_layernorm", "post_attention_layernorm"]),
            attention: AttentionPlan {
                projections: AttentionProjections::Split([
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.o_proj",
                ]),
                input_bias: false,
                output_bias: false,
                head_norms: false,
                rotary: Rotary::Main,
                window: None,
                scale: None,
            },
            feed_forward: FeedForwardPlan {
                projections: FeedForwardProjections::Split([
                    "mlp.gate_proj",
                    "mlp.up_proj",
                    "mlp.down_proj",
                ]),
                bias: false,
                activation: Activation::Silu,
            },
            residual_scale: 1.0,
        }
    }
}

impl Norms {
    /// The modules' names, in the order of the forward pass.
    pub fn names(&self) -> &[&'static str] {
        match self {
            Self::Before(names) => names,
            Self::Around(names) => names,
        }
    }
}

impl AttentionProjections {
    /// The modules' paths in the layer, in the order of the forward pass.
    pub fn paths(&self) -> &[&'static str] {
        match self {
            Self::Split(paths) => paths,
            Self::Fused(paths) => paths,
        }
    }
}

impl FeedForwardProjections {
    /// The modules' paths in the layer, in the order of the forward pass.
    pub fn paths(&self) -> &[&'static str] {
        match self {
            Self::Split(paths) => paths,
            Self::Fused(paths) => paths,
        }
    }
}
