//! Keys that change what a model computes: refused unless they ask for what is implemented.

use serde_json::Value;

use super::{Architecture, ConfigError};
use crate::fields::Fields;

/// Keys with the one value that changes nothing.
const NEUTRAL: [(&str, f64); 13] = [
    ("partial_rotary_factor", 1.0),
    ("rotary_pct", 1.0),
    ("attention_dropout", 0.0),
    ("residual_multiplier", 1.0),
    ("embedding_multiplier", 1.0),
    ("logit_scale", 1.0),
    ("logits_scaling", 1.0),
    ("attn_logit_softcapping", 0.0),
    ("final_logit_softcapping", 0.0),
    ("num_experts", 0.0),
    ("num_local_experts", 0.0),
    ("num_nextn_predict_layers", 0.0),
    ("no_rope_layer_interval", 0.0),
];

/// Keys of which any content changes what is computed.
const ABSENT: [&str; 7] = [
    "attention_multiplier",
    "query_pre_attn_scalar",
    "quantization_config",
    "compression_config",
    "no_rope_layers",
    "use_bidirectional_attention",
    "rope_interleaved",
];

pub(super) fn check(
    fields: &Fields,
    architecture: Architecture,
    layers: usize,
    max_positions: usize,
) -> Result<(), ConfigError> {
    for key in ["hidden_act", "hidden_activation"] {
        if fields
            .text(key)?
            .is_some_and(|name| name != "silu" && name != "swish")
        {
            return Err(fields.unsupported(key, "only `silu` is"));
        }
    }
    for (key, neutral) in NEUTRAL {
        if let Some(value) = fields.get(key)
            && value.as_f64() != Some(neutral)
        {
            let advice = format!("only {neutral} or leaving it out is");
            return Err(fields.unsupported(key, &advice));
        }
    }
    for key in ABSENT {
        let empty = match fields.get(key) {
            None | Some(Value::Bool(false)) => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(items)) => items.is_empty(),
            Some(_) => false,
        };
        if !empty {
            return Err(fields.unsupported(key, "only leaving it out is"));
        }
    }
    sliding_window(fields, architecture, layers, max_positions)
}

fn sliding_window(
    fields: &Fields,
    architecture: Architecture,
    layers: usize,
    max_positions: usize,
) -> Result<(), ConfigError> {
    let advice = "only attention over the whole context is";
    if let Some(Value::Array(types)) = fields.get("layer_types")
        && types.iter().any(|name| name != "full_attention")
    {
        return Err(fields.unsupported("layer_types", advice));
    }
    let narrow = |window: Option<usize>| window.is_some_and(|window| window < max_positions);
    let window = fields.count("sliding_window", 1 << 40)?;
    let (key, used) = match architecture {
        // transformers reads no window for this family.
        Architecture::Llama => return Ok(()),
        Architecture::Mistral => {
            let absent = !fields.contains("sliding_window");
            let window = if absent { Some(4096) } else { window };
            ("sliding_window", narrow(window))
        }
        Architecture::Qwen2 | Architecture::Qwen3 => {
            let first = fields.number("max_window_layers", 0.0..=1e9)?;
            let first = first.unwrap_or(28.0) as usize;
            let used = fields.flag("use_sliding_window")?.unwrap_or(false);
            let window = window.or(Some(4096));
            (
                "use_sliding_window",
                used && first < layers && narrow(window),
            )
        }
    };
    if used {
        return Err(fields.unsupported(key, advice));
    }
    Ok(())
}
