//! Settings of PEFT that change what an adapter computes, and are not implemented.

use serde_json::{Map, Value};

use crate::ConfigError;
use crate::config::fields::Fields;

/// Settings of how training begins, goes on or ends. What they lead to is in the adapter's weights and patterns.
const OF_TRAINING: [&str; 4] = [
    "eva_config",
    "inference_mode",
    "lora_ga_config",
    "runtime_config",
];

/// Settings that are read elsewhere.
const READ: [&str; 17] = [
    "alora_invocation_tokens",
    "alpha_pattern",
    "base_model_name_or_path",
    "bias",
    "ensure_weight_tying",
    "exclude_modules",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "modules_to_save",
    "r",
    "rank_pattern",
    "revision",
    "target_modules",
    "use_rslora",
];

/// Refuses every setting that changes what the adapter computes and is not implemented, and every unknown one that
/// switches something on. An unknown number or text says how something is done that is switched on by another key.
pub(super) fn refuse_unsupported(
    fields: &Fields,
    map: &Map<String, Value>,
) -> Result<(), ConfigError> {
    for (key, only) in [
        ("peft_type", "LORA"),
        ("task_type", "CAUSAL_LM"),
        ("bias", "none"),
    ] {
        if fields.text(key)?.is_some_and(|text| text != only) {
            return Err(fields.unsupported(key, &format!("only `{only}` is")));
        }
    }
    // The other ways to begin change the base as well.
    match fields.get("init_lora_weights") {
        None | Some(Value::Bool(_)) => {}
        Some(Value::String(name)) if ["gaussian", "eva", "orthogonal"].contains(&&**name) => {}
        Some(_) => {
            let advice = "true, false, gaussian, eva and orthogonal are: the others change the base, too; PEFT's \
                          `path_initial_model_for_weight_conversion` makes a plain adapter of it";
            return Err(fields.unsupported("init_lora_weights", advice));
        }
    }
    for (key, value) in map {
        if READ.contains(&&**key) || OF_TRAINING.contains(&&**key) {
            continue;
        }
        let on = match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::Array(items) => !items.is_empty(),
            Value::Object(items) => !items.is_empty(),
            // Further variants of LoRA come as `use_…` and `…_config`.
            Value::String(text) => {
                !text.is_empty() && (key.starts_with("use_") || key.ends_with("_config"))
            }
            Value::Number(_) => key.starts_with("use_"),
        };
        // How transformers finds the model's class.
        if on && key != "auto_mapping" {
            return Err(fields.unsupported(key, "only leaving it out is"));
        }
    }
    Ok(())
}
