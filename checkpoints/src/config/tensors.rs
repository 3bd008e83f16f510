//! The parameters that a configuration implies, by their Hugging Face names.

use super::ModelConfig;

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
    /// The path's last part: one of [`Projection::NAMES`].
    pub name: &'static str,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl Projection {
    /// The last part of each projection's path, in the order of a layer.
    pub const NAMES: [&str; 7] = [
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    ];
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
            if self.qk_norm {
                tensors.push(norm("self_attn.q_norm", self.head_dim));
                tensors.push(norm("self_attn.k_norm", self.head_dim));
            }
            tensors.push(norm("input_layernorm", self.hidden_size));
            tensors.push(norm("post_attention_layernorm", self.hidden_size));
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

    fn projections_of(&self, layer: usize) -> [Projection; 7] {
        let (hidden, inner) = (self.hidden_size, self.intermediate_size);
        let queries = self.heads * self.head_dim;
        let keys = self.kv_heads * self.head_dim;
        Projection::NAMES.map(|name| {
            let (part, inputs, outputs, bias) = match name {
                "q_proj" => ("self_attn", hidden, queries, self.qkv_bias),
                "k_proj" | "v_proj" => ("self_attn", hidden, keys, self.qkv_bias),
                "o_proj" => ("self_attn", queries, hidden, self.output_bias),
                "down_proj" => ("mlp", inner, hidden, self.mlp_bias),
                _ => ("mlp", hidden, inner, self.mlp_bias),
            };
            Projection {
                path: format!("model.layers.{layer}.{part}.{name}"),
                name,
                inputs,
                outputs,
                bias,
            }
        })
    }
}
