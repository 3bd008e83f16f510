//! Reading and checking `config.json`.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Architecture, ConfigError, ModelConfig, rope, unsupported, window};
use crate::fields::Fields;

// Far above every published model, and low enough that no product of sizes overflows.
const LARGEST_VOCABULARY: usize = 1 << 24;
const LARGEST_WIDTH: usize = 1 << 20;
const LARGEST_COUNT: usize = 1 << 12;
const LARGEST_POSITIONS: usize = 1 << 30;

/// Takes the parsed content of `path`.
pub(super) fn config(path: &Path, value: Value) -> Result<ModelConfig, ConfigError> {
    let Value::Object(raw) = value else {
        return Err(ConfigError::Json {
            path: path.to_owned(),
            message: "is not a JSON object".into(),
        });
    };
    let fields = Fields::new(path, &raw);
    let architecture = architecture(&fields)?;
    let hidden_size = fields.required_count("hidden_size", LARGEST_WIDTH)?;
    let layers = fields.required_count("num_hidden_layers", LARGEST_COUNT)?;
    let heads = fields.required_count("num_attention_heads", LARGEST_COUNT)?;
    let max_positions = fields.count("max_position_embeddings", LARGEST_POSITIONS)?;
    let max_positions = max_positions.unwrap_or(match architecture {
        Architecture::Llama => 2048,
        Architecture::Mistral => 1 << 17,
        Architecture::Qwen2 | Architecture::Qwen3 => 1 << 15,
    });
    // What transformers takes where the key is absent; null is one for each query head.
    let kv_heads = match fields.count("num_key_value_heads", LARGEST_COUNT)? {
        Some(kv_heads) => kv_heads,
        None if raw.contains_key("num_key_value_heads") => heads,
        None => match architecture {
            Architecture::Llama => heads,
            Architecture::Mistral => 8,
            Architecture::Qwen2 | Architecture::Qwen3 => 32,
        },
    };
    let head_dim = match fields.count("head_dim", LARGEST_COUNT)? {
        Some(head_dim) => head_dim,
        None if architecture == Architecture::Qwen3 => 128,
        None if hidden_size % heads == 0 => hidden_size / heads,
        None => {
            let message = format!("is {hidden_size}, not a multiple of the {heads} heads");
            return Err(fields.invalid("hidden_size", &message));
        }
    };
    unsupported::check(&fields)?;
    let attention_bias = fields.flag("attention_bias")?.unwrap_or(false);
    let (qkv_bias, output_bias) = match architecture {
        Architecture::Llama | Architecture::Qwen3 => (attention_bias, attention_bias),
        Architecture::Qwen2 => (true, false),
        Architecture::Mistral => (false, false),
    };
    let mlp_bias = fields.flag("mlp_bias")?.unwrap_or(false);
    let config = ModelConfig {
        architecture,
        vocab_size: fields.required_count("vocab_size", LARGEST_VOCABULARY)?,
        hidden_size,
        intermediate_size: fields.required_count("intermediate_size", LARGEST_WIDTH)?,
        layers,
        heads,
        kv_heads,
        head_dim,
        rms_norm_eps: fields.number("rms_norm_eps", 0.0..=1.0)?.unwrap_or(1e-6),
        rope: rope::read(&fields)?,
        qkv_bias,
        output_bias,
        mlp_bias: mlp_bias && architecture == Architecture::Llama,
        qk_norm: architecture == Architecture::Qwen3,
        tied: fields.flag("tie_word_embeddings")?.unwrap_or(false),
        max_positions,
        window: window::read(&fields, architecture, layers)?,
        bos: fields.id("bos_token_id")?,
        eos: fields.ids("eos_token_id")?,
        pad: fields.id("pad_token_id")?,
        raw: Map::new(),
    };
    check(path, &config)?;
    Ok(ModelConfig { raw, ..config })
}

fn architecture(fields: &Fields) -> Result<Architecture, ConfigError> {
    let all = Architecture::ALL;
    let known = "the families are llama, mistral, qwen2 and qwen3";
    let class = match fields.get("architectures") {
        Some(Value::Array(classes)) if !classes.is_empty() => classes[0].as_str(),
        _ => None,
    };
    let by_class = all.into_iter().find(|known| Some(known.class()) == class);
    if class.is_some() && by_class.is_none() {
        let classes = "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM and \
                       Qwen3ForCausalLM are";
        return Err(fields.unsupported("architectures", classes));
    }
    let Some(name) = fields.text("model_type")? else {
        return by_class
            .ok_or_else(|| fields.invalid("model_type", &format!("is missing; {known}")));
    };
    let by_name = all.into_iter().find(|known| known.model_type() == name);
    let architecture = by_name.ok_or_else(|| fields.unsupported("model_type", known))?;
    if by_class.is_some_and(|class| class != architecture) {
        return Err(fields.invalid("architectures", "is of another family than `model_type`"));
    }
    Ok(architecture)
}

/// Checks ranges and that the numbers fit each other.
pub(super) fn check(path: &Path, config: &ModelConfig) -> Result<(), ConfigError> {
    let error = |key: &str, message: String| {
        Err(ConfigError::Invalid {
            path: path.to_owned(),
            key: key.to_owned(),
            message,
        })
    };
    for (key, value, largest) in [
        ("vocab_size", config.vocab_size, LARGEST_VOCABULARY),
        ("hidden_size", config.hidden_size, LARGEST_WIDTH),
        ("intermediate_size", config.intermediate_size, LARGEST_WIDTH),
        ("num_hidden_layers", config.layers, LARGEST_COUNT),
        ("num_attention_heads", config.heads, LARGEST_COUNT),
        ("num_key_value_heads", config.kv_heads, LARGEST_COUNT),
        ("head_dim", config.head_dim, LARGEST_COUNT),
        (
            "max_position_embeddings",
            config.max_positions,
            LARGEST_POSITIONS,
        ),
    ] {
        if !(1..=largest).contains(&value) {
            return error(key, format!("is {value}; it must be from 1 to {largest}"));
        }
    }
    if !config.heads.is_multiple_of(config.kv_heads) {
        let (heads, kv_heads) = (config.heads, config.kv_heads);
        let message = format!("is {kv_heads}, which does not divide the {heads} attention heads");
        return error("num_key_value_heads", message);
    }
    if !config.head_dim.is_multiple_of(2) {
        let message = format!("is {}; rotary embedding needs an even one", config.head_dim);
        return error("head_dim", message);
    }
    // In single precision anything smaller is nothing.
    let least = f64::from(f32::MIN_POSITIVE);
    if !(least..=1.0).contains(&config.rms_norm_eps) {
        let message = format!(
            "is {}; it must be above 0 (at least {least:e}), at most 1",
            config.rms_norm_eps
        );
        return error("rms_norm_eps", message);
    }
    let ids = [
        ("bos_token_id", config.bos.as_slice()),
        ("eos_token_id", &config.eos),
    ];
    for (key, ids) in ids {
        if let Some(id) = ids.iter().find(|&&id| id as usize >= config.vocab_size) {
            let message = format!("is {id}, outside the vocabulary of {}", config.vocab_size);
            return error(key, message);
        }
    }
    Ok(())
}
