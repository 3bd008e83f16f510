//! Qwen2 and Qwen2.5: biases on queries, keys and values.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, plain_rope};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, LayerPlan, ModelConfig, Plan, rope, window};

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Qwen2,
    model_type: "qwen2",
    class: "Qwen2ForCausalLM",
    defaults: DEFAULTS,
    reads: &[],
    rope: plain_rope,
    plan,
    write,
    gguf: Some(GgufForm {
        pairs_together: false,
        biases: false,
        ..GgufForm::like_llama("qwen2")
    }),
};

/// Qwen's.
pub(super) const DEFAULTS: Defaults = Defaults {
    max_positions: 1 << 15,
    kv_heads: Some(32),
    ..Defaults::LLAMA
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut layer = LayerPlan::default();
    layer.attention.input_bias = true;
    let mut plan = Plan::plain(layer);
    window::qwen(keys, &mut plan)?;
    Ok(plan)
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    window::write_qwen(config, out);
    rope::write(&config.rope, out);
}
