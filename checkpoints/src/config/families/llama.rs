//! Llama 2 and 3, SmolLM2, TinyLlama.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, plain_rope};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, LayerPlan, ModelConfig, Plan, rope};

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Llama,
    model_type: "llama",
    class: "LlamaForCausalLM",
    defaults: Defaults::LLAMA,
    reads: &[],
    rope: plain_rope,
    plan,
    write,
    gguf: Some(GgufForm::like_llama("llama")),
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    Ok(Plan::plain(layer(keys)?))
}

/// The layer of Llama and of families that have its biases.
pub(super) fn layer(keys: &Keys) -> Result<LayerPlan, ConfigError> {
    let mut layer = LayerPlan::default();
    let bias = keys.flag("attention_bias")?.unwrap_or(false);
    layer.attention.input_bias = bias;
    layer.attention.output_bias = bias;
    layer.feed_forward.bias = keys.flag("mlp_bias")?.unwrap_or(false);
    Ok(layer)
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    write_biases(config, out);
    rope::write(&config.rope, out);
}

/// The keys of Llama's biases.
pub(super) fn write_biases(config: &ModelConfig, out: &mut Map<String, Value>) {
    let layer = config.layer(0);
    out.insert("attention_bias".into(), layer.attention.input_bias.into());
    out.insert("mlp_bias".into(), layer.feed_forward.bias.into());
}
