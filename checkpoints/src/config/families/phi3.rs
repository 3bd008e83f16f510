//! Phi-3 and Phi-4-mini: one projection for queries, keys and values, one for gate and up; a part of each head turns.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm};
use crate::config::keys::Keys;
use crate::config::rope::{self, Rope, RopeScaling};
use crate::config::{
    Architecture, AttentionProjections, ConfigError, FeedForwardProjections, LayerPlan,
    ModelConfig, Plan, window,
};

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Phi3,
    model_type: "phi3",
    class: "Phi3ForCausalLM",
    defaults: Defaults {
        max_positions: 4096,
        original_positions: Some(4096),
        epsilon: 1e-5,
        ..Defaults::LLAMA
    },
    reads: &["partial_rotary_factor"],
    rope,
    plan,
    write,
    gguf: Some(GgufForm {
        pairs_together: false,
        biases: false,
        names: &[
            ("attn_qkv", "self_attn.qkv_proj"),
            ("ffn_up", "mlp.gate_up_proj"),
        ],
        keys: &["rope.scaling.attn_factor"],
        ..GgufForm::like_llama("phi3")
    }),
};

fn rope(keys: &Keys) -> Result<Rope, ConfigError> {
    let rules = rope::Rules {
        partial: true,
        only_long: true,
    };
    rope::read(keys, &rules)
}

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut layer = LayerPlan::default();
    layer.attention.projections =
        AttentionProjections::Fused(["self_attn.qkv_proj", "self_attn.o_proj"]);
    layer.feed_forward.projections =
        FeedForwardProjections::Fused(["mlp.gate_up_proj", "mlp.down_proj"]);
    // All layers, whatever `layer_types` says.
    window::types(keys)?;
    layer.attention.window = window::given(keys)?;
    Ok(Plan::plain(layer))
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    let window = config.layer(0).attention.window;
    let window = window.map_or(Value::Null, Value::from);
    out.insert("sliding_window".into(), window);
    rope::write(&config.rope, out);
    out.insert("partial_rotary_factor".into(), config.rope.share.into());
    let RopeScaling::Long {
        original_max_positions,
        ..
    } = config.rope.scaling
    else {
        return;
    };
    // Older versions of transformers want the type by its old key, and no more than it and the factors.
    let original = "original_max_position_embeddings";
    out.insert(original.into(), original_max_positions.into());
    if let Some(Value::Object(scaling)) = out.get_mut("rope_scaling") {
        scaling.remove(original);
        if let Some(name) = scaling.remove("rope_type") {
            scaling.insert("type".into(), name);
        }
    }
}
