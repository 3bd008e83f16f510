//! The parameters that a configuration implies, by their Hugging Face names.

use super::{AttentionProjections, FeedForwardProjections, ModelConfig};

/// A tensor's name and shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorShape {
    /// The name in the file, such as `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// The sizes, outermost first; a projection's weight is `[out, in]`.
    pub shape: Vec<usize>,
}

impl TensorShape {
    /// A tensor of `name` and `shape`.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self {
            name: name.into(),
            shape: shape.into(),
        }
    }

    /// Number of elements; saturates.
    pub fn elements(&self) -> u64 {
        let sizes = self.shape.iter().map(|&size| size as u64);
        sizes.fold(1, u64::saturating_mul)
    }
}

/// A linear map inside a decoder layer: what a low-rank adapter can attach to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Projection {
    /// The module's path, such as `model.layers.0.self_attn.q_proj`.
    pub path: String,
    /// The path's last part, such as `q_proj`.
    pub name: &'static str,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl ModelConfig {
    /// Every parameter: embedding, layers in order, final norm, and `lm_head.weight` if the
    /// head is not tied.
    pub fn tensors(&self) -> Vec<TensorShape> {
        let mut tensors = vec![TensorShape::new(
            "model.embed_tokens.weight",
            [self.vocab_size, self.hidden_size],
        )];
        for layer in 0..self.layers {
            let prefix = format!("model.layers.{layer}");
            let norm = |name: &str, size: usize| {
                TensorShape::new(format!("{prefix}.{name}.weight"), [size])
            };
            for projection in self.projections_of(layer) {
                let path = &projection.path;
                let (outputs, inputs) = (projection.outputs, projection.inputs);
                tensors.push(TensorShape::new(
                    format!("{path}.weight"),
                    [outputs, inputs],
                ));
                if projection.bias {
                    tensors.push(TensorShape::new(format!("{path}.bias"), [outputs]));
                }
            }
            let plan = self.layer(layer);
            if plan.attention.head_norms {
                tensors.push(norm("self_attn.q_norm", self.head_dim));
                tensors.push(norm("self_attn.k_norm", self.head_dim));
            }
            for name in plan.norms.names() {
                tensors.push(norm(name, self.hidden_size));
            }
        }
        tensors.push(TensorShape::new("model.norm.weight", [self.hidden_size]));
        if !self.tied {
            tensors.push(TensorShape::new(
                "lm_head.weight",
                [self.vocab_size, self.hidden_size],
            ));
        }
        tensors
    }

    /// Number of parameters, a tied head counted once; saturates.
    pub fn parameters(&self) -> u64 {
        let sizes = self.tensors();
        let sizes = sizes.iter().map(TensorShape::elements);
        sizes.fold(0, u64::saturating_add)
    }

    /// Every linear map of every layer, in order.
    pub fn projections(&self) -> Vec<Projection> {
        let layers = 0..self.layers;
        layers
            .flat_map(|layer| self.projections_of(layer))
            .collect()
    }

    /// The names of its linear maps, each once, in the order of a layer.
    pub fn projection_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for projection in self.projections() {
            if !names.contains(&projection.name) {
                names.push(projection.name);
            }
        }
        names
    }

    /// The linear maps of a layer, in the order of the forward pass: the attention's, then the feed-forward layer's.
    pub fn projections_of(&self, layer: usize) -> Vec<Projection> {
        let plan = self.layer(layer);
        let (hidden, inner) = (self.hidden_size, self.intermediate_size);
        let queries = self.heads * self.head_dim;
        let keys = self.kv_heads * self.head_dim;
        let of = |(path, inputs, outputs, bias): (&'static str, usize, usize, bool)| Projection {
            path: format!("model.layers.{layer}.{path}"),
            name: path.rsplit_once('.').map_or(path, |(_, name)| name),
            inputs,
            outputs,
            bias,
        };
        let attention = &plan.attention;
        let bias = attention.input_bias;
        let mut projections: Vec<_> = match attention.projections {
            AttentionProjections::Split([query, key, value, output]) => vec![
                (query, hidden, queries, bias),
                (key, hidden, keys, bias),
                (value, hidden, keys, bias),
                (output, queries, hidden, attention.output_bias),
            ],
            AttentionProjections::Fused([all, output]) => vec![
                (all, hidden, queries + 2 * keys, bias),
                (output, queries, hidden, attention.output_bias),
            ],
        };
        let bias = plan.feed_forward.bias;
        projections.extend(match plan.feed_forward.projections {
            FeedForwardProjections::Split([gate, up, down]) => vec![
                (gate, hidden, inner, bias),
                (up, hidden, inner, bias),
                (down, inner, hidden, bias),
            ],
            FeedForwardProjections::Fused([both, down]) => {
                vec![(both, hidden, 2 * inner, bias), (down, inner, hidden, bias)]
            }
        });
        projections.into_iter().map(of).collect()
    }
}
