//! What llama.cpp calls the tensors that Hugging Face names.

use crate::config::GgufForm;

/// Parts of a layer: GGUF's name, Hugging Face's.
const LAYER: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The embedding, the final norm and the head.
const TOP: [(&str, &str); 3] = [
    (EMBEDDING, "model.embed_tokens"),
    ("output_norm", "model.norm"),
    ("output", "lm_head"),
];

const EMBEDDING: &str = "token_embd";
/// The embedding in a file.
pub(crate) const EMBEDDING_WEIGHT: &str = "token_embd.weight";
/// The head in a file, where it is not the embedding.
pub(crate) const HEAD_WEIGHT: &str = "output.weight";
/// Factors of the rotary frequencies, which Hugging Face has as settings.
pub(crate) const ROPE_FACTORS: &str = "rope_freqs.weight";
/// Those of LongRoPE for texts longer than the original length.
pub(crate) const LONG_FACTORS: &str = "rope_factors_long.weight";
/// Those of LongRoPE for texts up to it.
pub(crate) const SHORT_FACTORS: &str = "rope_factors_short.weight";

/// What llama.cpp calls the tensor with this Hugging Face name in a model of such a form, if it has one.
pub(crate) fn ggml(form: &GgufForm, name: &str) -> Option<String> {
    let (path, kind) = name.rsplit_once('.')?;
    let find = |table: &[(&'static str, &'static str)], wanted: &str| {
        let found = table.iter().find(|(_, theirs)| *theirs == wanted);
        found.map(|(ours, _)| *ours)
    };
    if let Some(path) = find(&TOP, path) {
        return Some(format!("{path}.{kind}"));
    }
    let (layer, part) = path.strip_prefix("model.layers.")?.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    let part = find(form.names, part).or_else(|| find(&LAYER, part))?;
    Some(format!("blk.{number}.{part}.{kind}"))
}

/// The Hugging Face name of a tensor in a model of such a form, if it has one.
pub(crate) fn hugging_face(form: &GgufForm, name: &str) -> Option<String> {
    let (path, kind) = name.rsplit_once('.')?;
    if !matches!(kind, "weight" | "bias") {
        return None;
    }
    let find = |table: &[(&'static str, &'static str)], wanted: &str| {
        let found = table.iter().find(|(ours, _)| *ours == wanted);
        found.map(|(_, theirs)| *theirs)
    };
    if let Some(path) = find(&TOP, path) {
        return Some(format!("{path}.{kind}"));
    }
    let (layer, part) = path.strip_prefix("blk.")?.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    // "+1" and "01" are numbers to `parse`.
    if number.to_string() != layer {
        return None;
    }
    let part = find(form.names, part).or_else(|| find(&LAYER, part))?;
    Some(format!("model.layers.{number}.{part}.{kind}"))
}
