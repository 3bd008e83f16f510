//! Mistral: Llama with a sliding window in every layer.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, plain_rope};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, LayerPlan, ModelConfig, Plan, rope, window};

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Mistral,
    model_type: "mistral",
    class: "MistralForCausalLM",
    defaults: Defaults {
        max_positions: 1 << 17,
        kv_heads: Some(8),
        ..Defaults::LLAMA
    },
    reads: &[],
    rope: plain_rope,
    plan,
    write,
    // llama.cpp has no architecture of its own for it.
    gguf: Some(GgufForm::like_llama("llama")),
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut layer = LayerPlan::default();
    // All layers, whatever `layer_types` says.
    window::types(keys)?;
    layer.attention.window = window::or_default(keys)?;
    Ok(Plan::plain(layer))
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    // Absent means 4096 to transformers.
    let window = config.layer(0).attention.window;
    let window = window.map_or(Value::Null, Value::from);
    out.insert("sliding_window".into(), window);
    rope::write(&config.rope, out);
}
