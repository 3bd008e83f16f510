//! Keys that change what a model computes: refused unless they ask for what is implemented.
//!
//! Spellings of every family that shares the Llama's form are here, because models of one are often published as another.

use serde_json::Value;

use super::keys::Keys;
use super::{ConfigError, quantized};
use crate::config::fields::Fields;

/// Numbers with the one value that changes nothing.
const NEUTRAL: [(&str, f64); 24] = [
    ("partial_rotary_factor", 1.0),
    ("rotary_pct", 1.0),
    ("rope_pct", 1.0),
    ("rope_ratio", 1.0),
    ("rope_condense_ratio", 1.0),
    ("attention_dropout", 0.0),
    ("resid_pdrop", 0.0),
    ("embd_pdrop", 0.0),
    ("residual_multiplier", 1.0),
    ("embedding_multiplier", 1.0),
    ("scale_emb", 1.0),
    ("logit_scale", 1.0),
    ("logits_scaling", 1.0),
    ("attn_logit_softcapping", 0.0),
    ("final_logit_softcapping", 0.0),
    ("logits_soft_cap", 0.0),
    ("attn_logit_softcap", 0.0),
    ("final_logit_softcap", 0.0),
    ("num_experts", 0.0),
    ("num_local_experts", 0.0),
    ("n_routed_experts", 0.0),
    ("num_nextn_predict_layers", 0.0),
    ("num_kv_shared_layers", 0.0),
    ("no_rope_layer_interval", 0.0),
];

/// Keys of which any content but null, false and nothing changes what is computed.
const ABSENT: [&str; 27] = [
    "lm_head_bias",
    "attention_multiplier",
    "attention_scale",
    "query_pre_attn_scalar",
    "scale_depth",
    "dim_model_base",
    "no_rope_layers",
    "use_bidirectional_attention",
    "is_encoder_decoder",
    "add_cross_attention",
    "attention_chunk_size",
    "attn_temperature_tuning",
    "clip_qkv",
    "kv_lora_rank",
    "q_lora_rank",
    "qk_norm",
    "use_qk_norm",
    "qk_layernorm",
    "use_qk_layernorm",
    "alibi",
    "use_alibi",
    "use_logn_attn",
    "use_dynamic_ntk",
    "rope_interleaved",
    "rope_traditional",
    "global_rope_theta",
    "local_rope_theta",
];

/// The rotary settings that [`rope`](super::rope) reads or that stand above: what else has such a name is not guessed at.
const ROTARY: [&str; 3] = ["rope_theta", "rope_scaling", "rope_parameters"];

/// Refuses every key that asks for something else than is computed; what the family reads is its own affair.
pub(super) fn check(keys: &Keys) -> Result<(), ConfigError> {
    let fields: &Fields = keys;
    let is_read = |key: &str| keys.reads.contains(&key);
    for key in ["hidden_act", "hidden_activation"] {
        if !is_read(key)
            && fields
                .text(key)?
                .is_some_and(|name| name != "silu" && name != "swish")
        {
            return Err(fields.unsupported(key, "only `silu` is"));
        }
    }
    quantized::check(fields)?;
    for (key, neutral) in NEUTRAL {
        if let Some(value) = fields.get(key).filter(|_| !is_read(key))
            && value.as_f64() != Some(neutral)
            && *value != Value::Bool(false)
        {
            let advice = format!("only {neutral} or leaving it out is");
            return Err(fields.unsupported(key, &advice));
        }
    }
    for key in ABSENT {
        if !is_read(key) && !fields.says_nothing(key) {
            return Err(fields.unsupported(key, "only leaving it out is"));
        }
    }
    if fields.flag("is_causal")? == Some(false) {
        return Err(fields.unsupported("is_causal", "only true is"));
    }
    let unknown = fields.keys().find(|key| {
        let rotary = key.starts_with("rope_") || key.starts_with("rotary_");
        let known = ROTARY.contains(&key.as_str())
            || is_read(key)
            || NEUTRAL.iter().any(|(known, _)| known == key)
            || ABSENT.contains(&key.as_str());
        rotary && !known && !fields.says_nothing(key)
    });
    match unknown {
        Some(key) => {
            Err(fields.unsupported(key, "this key is not known here; remove it if unused"))
        }
        None => Ok(()),
    }
}
