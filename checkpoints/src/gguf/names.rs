//! What llama.cpp calls the tensors that Hugging Face names.

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
pub(super) const EMBEDDING_WEIGHT: &str = "token_embd.weight";
/// The head in a file, where it is not the embedding.
pub(super) const HEAD_WEIGHT: &str = "output.weight";
/// Factors of the rotary frequencies, which Hugging Face has as settings.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// What llama.cpp calls the tensor with this Hugging Face name, if it has one.
pub(super) fn ggml(name: &str) -> Option<String> {
    let (path, kind) = name.rsplit_once('.')?;
    let find = |table: &[(&'static str, &str)], wanted: &str| {
        let found = table.iter().find(|(_, theirs)| *theirs == wanted);
        found.map(|(ours, _)| *ours)
    };
    if let Some(path) = find(&TOP, path) {
        return Some(format!("{path}.{kind}"));
    }
    let (layer, part) = path.strip_prefix("model.layers.")?.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    Some(format!("blk.{number}.{}.{kind}", find(&LAYER, part)?))
}

/// The Hugging Face name of a tensor, if it has one.
pub(super) fn hugging_face(name: &str) -> Option<String> {
    let (path, kind) = name.rsplit_once('.')?;
    if !matches!(kind, "weight" | "bias") {
        return None;
    }
    let find = |table: &[(&str, &'static str)], wanted: &str| {
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
    let part = find(&LAYER, part)?;
    Some(format!("model.layers.{number}.{part}.{kind}"))
}
