//! Qwen3: norms on the heads of queries and keys.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, plain_rope, qwen2};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, LayerPlan, ModelConfig, Plan, rope, window};

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Qwen3,
    model_type: "qwen3",
    class: "Qwen3ForCausalLM",
    defaults: Defaults {
        head_dim: Some(128),
        ..qwen2::DEFAULTS
    },
    reads: &[],
    rope: plain_rope,
    plan,
    write,
    gguf: Some(GgufForm {
        pairs_together: false,
        biases: false,
        ..GgufForm::like_llama("qwen3")
    }),
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut layer = LayerPlan::default();
    let bias = keys.flag("attention_bias")?.unwrap_or(false);
    layer.attention.input_bias = bias;
    layer.attention.output_bias = bias;
    layer.attention.head_norms = true;
    let mut plan = Plan::plain(layer);
    window::qwen(keys, &mut plan)?;
    Ok(plan)
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    let bias = config.layer(0).attention.input_bias;
    out.insert("attention_bias".into(), bias.into());
    window::write_qwen(config, out);
    rope::write(&config.rope, out);
}
