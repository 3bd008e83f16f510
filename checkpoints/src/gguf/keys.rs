//! The metadata's keys of a model's family, after `<architecture>.`: each is read, changes nothing, or is refused by name.
//!
//! The list is that of llama.cpp's `gguf-py/gguf/constants.py`, with the spellings that were before.

use super::value::Value;
use super::{GgufError, GgufFile};
use crate::config::GgufForm;

/// Read by [`config`](super::config).
const READ: [&str; 17] = [
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "block_count",
    "vocab_size",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.scale",
    "attention.sliding_window",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scale_linear",
];

/// They change no score of any token: how text was embedded, how tensors once lay; or only a scaling reads them, whose type
/// says so.
const WITHOUT_EFFECT: [&str; 6] = [
    "tensor_data_layout",
    "pooling_type",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
];

/// The one value of each that changes nothing; true is 1. llama.cpp takes 0 for "not said" in all scales.
const NEUTRAL: [(&str, &[f64]); 22] = [
    ("expert_count", &[0.0]),
    ("expert_used_count", &[0.0]),
    ("expert_shared_count", &[0.0]),
    ("expert_feed_forward_length", &[0.0]),
    ("leading_dense_block_count", &[0.0]),
    ("nextn_predict_layers", &[0.0]),
    ("use_parallel_residual", &[0.0]),
    ("logit_scale", &[0.0, 1.0]),
    ("residual_scale", &[0.0, 1.0]),
    ("embedding_scale", &[0.0, 1.0]),
    ("attn_logit_softcapping", &[0.0]),
    ("final_logit_softcapping", &[0.0]),
    ("attention.causal", &[1.0]),
    ("attention.clamp_kqv", &[0.0]),
    ("attention.max_alibi_bias", &[0.0]),
    ("attention.output_scale", &[0.0, 1.0]),
    ("attention.temperature_scale", &[0.0]),
    ("attention.shared_kv_layers", &[0.0]),
    ("rope.scaling.attn_factor", &[0.0, 1.0]),
    ("rope.scaling.yarn_attn_factor", &[1.0]),
    ("rope.scaling.yarn_ext_factor", &[0.0]),
    ("rope.scaling.yarn_log_multiplier", &[0.0]),
];

/// Refuses every key of the family that is not read and may change what is computed.
pub(super) fn check(file: &GgufFile, form: &GgufForm) -> Result<(), GgufError> {
    let prefix = format!("{}.", form.name);
    let mut keys: Vec<&str> = file.keys().collect();
    keys.sort_unstable();
    for key in keys {
        let Some(name) = key.strip_prefix(&prefix) else {
            continue;
        };
        if READ.contains(&name) || form.keys.contains(&name) || WITHOUT_EFFECT.contains(&name) {
            continue;
        }
        let value = file.value(key);
        let known = NEUTRAL.iter().find(|(known, _)| *known == name);
        let neutral = known.map_or(&[][..], |(_, neutral)| neutral);
        let number = value.and_then(|value| match value {
            Value::Flag(flag) => Some(f64::from(u8::from(*flag))),
            other => other.float(),
        });
        if number.is_some_and(|number| neutral.contains(&number)) {
            continue;
        }
        let shown: String = key.chars().take(80).collect();
        let value = file.shown(key);
        return Err(match known {
            Some(_) => file.unsupported(&format!("`{shown}` = {value}"), "a model without it is"),
            None => file.unsupported(
                &format!("`{shown}` = {value}, which may change what the model computes,"),
                "take the model's Hugging Face directory",
            ),
        });
    }
    Ok(())
}
