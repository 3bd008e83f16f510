//! Reading and checking `config.json`.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::Keys;
use super::{Architecture, ConfigError, ModelConfig, unsupported, window};
use crate::config::fields::Fields;

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
    let family = architecture.family();
    let defaults = &family.defaults;
    let hidden_size = fields.required_count("hidden_size", LARGEST_WIDTH)?;
    let layers = fields.required_count("num_hidden_layers", LARGEST_COUNT)?;
    let heads = fields.required_count("num_attention_heads", LARGEST_COUNT)?;
    let max_positions = fields.count("max_position_embeddings", LARGEST_POSITIONS)?;
    // What transformers takes where the key is absent; null is one for each query head.
    let kv_heads = match fields.count("num_key_value_heads", LARGEST_COUNT)? {
        Some(kv_heads) => kv_heads,
        None if raw.contains_key("num_key_value_heads") => heads,
        None => defaults.kv_heads.unwrap_or(heads),
    };
    let head_dim = match (fields.count("head_dim", LARGEST_COUNT)?, defaults.head_dim) {
        (Some(head_dim), _) | (None, Some(head_dim)) => head_dim,
        (None, None) if hidden_size % heads == 0 => hidden_size / heads,
        (None, None) => {
            let message = format!("is {hidden_size}, not a multiple of the {heads} heads");
            return Err(fields.invalid("hidden_size", &message));
        }
    };
    let keys = Keys {
        fields,
        architecture,
        reads: family.reads,
        defaults,
        layers,
        hidden_size,
        head_dim,
        max_positions: max_positions.unwrap_or(defaults.max_positions),
    };
    unsupported::check(&keys)?;
    let plan = (family.plan)(&keys)?;
    let epsilon = keys.number("rms_norm_eps", 0.0..=1.0)?;
    let config = ModelConfig {
        architecture,
        vocab_size: keys.required_count("vocab_size", LARGEST_VOCABULARY)?,
        hidden_size,
        intermediate_size: keys.required_count(defaults.inner, LARGEST_WIDTH)?,
        layers,
        heads,
        kv_heads,
        head_dim,
        rms_norm_eps: epsilon.unwrap_or(defaults.epsilon),
        rope: (family.rope)(&keys)?,
        disputed_window: window::disputed(&keys, &plan)?,
        plan,
        tied: keys.flag("tie_word_embeddings")?.unwrap_or(defaults.tied),
        max_positions: keys.max_positions,
        bos: keys.id("bos_token_id")?,
        eos: keys.ids("eos_token_id")?,
        pad: keys.id("pad_token_id")?,
        raw: Map::new(),
    };
    check(path, &config)?;
    Ok(ModelConfig { raw, ..config })
}

fn architecture(fields: &Fields) -> Result<Architecture, ConfigError> {
    let all = Architecture::ALL;
    let mut names = all.map(Architecture::model_type).to_vec();
    let last = names.pop().unwrap_or_default();
    let known = format!("the families are {} and {last}", names.join(", "));
    let class = match fields.get("architectures") {
        Some(Value::Array(classes)) if !classes.is_empty() => classes[0].as_str(),
        _ => None,
    };
    let by_class = all.into_iter().find(|known| Some(known.class()) == class);
    if class.is_some() && by_class.is_none() {
        return Err(fields.unsupported("architectures", &known));
    }
    let Some(name) = fields.text("model_type")? else {
        return by_class
            .ok_or_else(|| fields.invalid("model_type", &format!("is missing; {known}")));
    };
    let by_name = all.into_iter().find(|known| known.model_type() == name);
    let architecture = by_name.ok_or_else(|| fields.unsupported("model_type", &known))?;
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
    let inner = config.architecture.family().defaults.inner;
    for (key, value, largest) in [
        ("vocab_size", config.vocab_size, LARGEST_VOCABULARY),
        ("hidden_size", config.hidden_size, LARGEST_WIDTH),
        (inner, config.intermediate_size, LARGEST_WIDTH),
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
    if config.plan.layers.is_empty() {
        return error("num_hidden_layers", "has no plan".to_owned());
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
