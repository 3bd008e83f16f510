//! Granite 3: Llama with four multipliers.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, llama, plain_rope};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, ModelConfig, Plan, rope};

/// Of the embedded tokens, the scores, what is added to the residual stream, and what logits are divided by.
pub(super) const MULTIPLIERS: [&str; 4] = [
    "embedding_multiplier",
    "attention_multiplier",
    "residual_multiplier",
    "logits_scaling",
];

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Granite,
    model_type: "granite",
    class: "GraniteForCausalLM",
    defaults: Defaults::LLAMA,
    reads: &MULTIPLIERS,
    rope: plain_rope,
    plan,
    write,
    gguf: Some(GgufForm {
        keys: &["embedding_scale", "residual_scale", "logit_scale"],
        ..GgufForm::like_llama("granite")
    }),
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut plan = Plan::plain(llama::layer(keys)?);
    multiply(keys, &mut plan)?;
    Ok(plan)
}

/// Sets the four multipliers; one each where the key is absent.
pub(super) fn multiply(keys: &Keys, plan: &mut Plan) -> Result<(), ConfigError> {
    let mut found = [1.0; 4];
    for (key, found) in MULTIPLIERS.into_iter().zip(&mut found) {
        *found = keys.number(key, 1e-9..=1e9)?.unwrap_or(1.0);
    }
    let [embedding, attention, residual, logits] = found;
    plan.embedding_scale = embedding;
    plan.logits_divisor = logits;
    for layer in &mut plan.layers {
        layer.attention.scale = Some(attention);
        layer.residual_scale = residual;
    }
    Ok(())
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    llama::write_biases(config, out);
    write_multipliers(config, out);
    rope::write(&config.rope, out);
}

/// The keys of the four multipliers.
pub(super) fn write_multipliers(config: &ModelConfig, out: &mut Map<String, Value>) {
    let layer = config.layer(0);
    let values = [
        config.plan.embedding_scale,
        layer.attention.scale.unwrap_or(1.0),
        layer.residual_scale,
        config.plan.logits_divisor,
    ];
    for (key, value) in MULTIPLIERS.into_iter().zip(values) {
        out.insert(key.into(), value.into());
    }
}
