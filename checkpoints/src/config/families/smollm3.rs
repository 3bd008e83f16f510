//! SmolLM3: Llama in which some layers know no positions.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm, llama, plain_rope};
use crate::config::keys::Keys;
use crate::config::{Architecture, ConfigError, ModelConfig, Plan, Rotary, rope, window};

const LAYERS: &str = "no_rope_layers";
const INTERVAL: &str = "no_rope_layer_interval";

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::SmolLm3,
    model_type: "smollm3",
    class: "SmolLM3ForCausalLM",
    defaults: Defaults {
        max_positions: 1 << 15,
        kv_heads: Some(4),
        theta: 2e6,
        tied: true,
        ..Defaults::LLAMA
    },
    reads: &[LAYERS, INTERVAL],
    rope: plain_rope,
    plan,
    write,
    gguf: Some(GgufForm {
        biases: false,
        ..GgufForm::like_llama("smollm3")
    }),
};

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let mut plan = Plan::plain(llama::layer(keys)?);
    let turns = turns(keys)?;
    plan.each(keys.layers, |number, layer| {
        if !turns[number] {
            layer.attention.rotary = Rotary::None;
        }
        Ok::<_, ConfigError>(())
    })?;
    let used = keys.flag("use_sliding_window")?.unwrap_or(false);
    let sliding = match window::types(keys)? {
        _ if !used => return Ok(plan),
        Some(sliding) => sliding,
        None => turns.iter().map(|turns| !turns).collect(),
    };
    let window = window::given(keys)?;
    if window.is_some() || keys.contains("layer_types") {
        window::set(keys, &mut plan, &sliding, window)?;
    }
    Ok(plan)
}

/// Whether each layer's queries and keys turn: the list says 1, or by default all but every so many.
fn turns(keys: &Keys) -> Result<Vec<bool>, ConfigError> {
    let wrong = || {
        let message = format!(
            "must be a list of 0 and 1, one for each of {} layers",
            keys.layers
        );
        keys.invalid(LAYERS, &message)
    };
    let items = match keys.get(LAYERS) {
        None => {
            let interval = keys.count(INTERVAL, 1 << 12)?.unwrap_or(4);
            let layers = 0..keys.layers;
            return Ok(layers
                .map(|layer| !(layer + 1).is_multiple_of(interval))
                .collect());
        }
        Some(Value::Array(items)) if items.len() >= keys.layers => items,
        Some(_) => return Err(wrong()),
    };
    let turns = items
        .iter()
        .take(keys.layers)
        .map(|item| match item.as_u64() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(wrong()),
        });
    turns.collect()
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    llama::write_biases(config, out);
    let turns = (0..config.layers)
        .map(|layer| u8::from(config.layer(layer).attention.rotary != Rotary::None));
    out.insert(LAYERS.into(), turns.collect::<Vec<_>>().into());
    rope::write(&config.rope, out);
}
