//! Granite 4, as far as it is dense: attention in every layer and no experts.

use serde_json::{Map, Value};

use super::{Defaults, Family, granite, plain_rope};
use crate::config::fields::shortened;
use crate::config::keys::Keys;
use crate::config::{
    Architecture, ConfigError, FeedForwardProjections, LayerPlan, ModelConfig, Plan, Rotary, rope,
};

const TYPES: &str = "layer_types";
const POSITIONS: &str = "position_embedding_type";
const EXPERTS: &str = "num_local_experts";

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::GraniteHybrid,
    model_type: "granitemoehybrid",
    class: "GraniteMoeHybridForCausalLM",
    defaults: Defaults {
        inner: "shared_intermediate_size",
        ..Defaults::LLAMA
    },
    reads: &[
        "embedding_multiplier",
        "attention_multiplier",
        "residual_multiplier",
        "logits_scaling",
        TYPES,
        "layers_block_type",
        POSITIONS,
        EXPERTS,
    ],
    rope: plain_rope,
    plan,
    write,
    gguf: None,
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    check_layers(keys)?;
    // transformers takes 8 where the key is absent.
    if keys.get(EXPERTS).and_then(Value::as_u64) != Some(0) {
        return Err(keys.unsupported(EXPERTS, "only 0 is: the dense models of the family"));
    }
    let mut layer = LayerPlan::default();
    let bias = keys.flag("attention_bias")?.unwrap_or(false);
    layer.attention.input_bias = bias;
    layer.attention.output_bias = bias;
    layer.attention.rotary = match keys.text(POSITIONS)?.as_deref() {
        Some("rope") => Rotary::Main,
        None | Some("nope") => Rotary::None,
        Some(_) => return Err(keys.unsupported(POSITIONS, "`rope` and null are")),
    };
    layer.feed_forward.projections =
        FeedForwardProjections::Fused(["shared_mlp.input_linear", "shared_mlp.output_linear"]);
    let mut plan = Plan::plain(layer);
    granite::multiply(keys, &mut plan)?;
    Ok(plan)
}

/// Refuses state-space layers; without a list all layers are such.
fn check_layers(keys: &Keys) -> Result<(), ConfigError> {
    let key = match keys.get(TYPES) {
        None => "layers_block_type",
        Some(_) => TYPES,
    };
    let advice = "attention in every layer is: the dense models of the family";
    let Some(Value::Array(types)) = keys.get(key) else {
        return Err(keys.unsupported(TYPES, advice));
    };
    let attention = |kind: &Value| kind == "attention" || kind == "full_attention";
    if let Some(layer) = types.iter().position(|kind| !attention(kind)) {
        let value = format!("layer {layer}: {}", shortened(&types[layer]));
        return Err(keys.unsupported_value(key, value, advice));
    }
    if types.len() != keys.layers {
        let message = format!("has {} entries for {} layers", types.len(), keys.layers);
        return Err(keys.invalid(key, &message));
    }
    Ok(())
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    let attention = &config.layer(0).attention;
    out.insert("attention_bias".into(), attention.input_bias.into());
    let positions = match attention.rotary {
        Rotary::None => Value::Null,
        Rotary::Main | Rotary::Local => "rope".into(),
    };
    out.insert(POSITIONS.into(), positions);
    out.insert(EXPERTS.into(), 0.into());
    granite::write_multipliers(config, out);
    rope::write(&config.rope, out);
}
