//! What is written as `config.json`.

use serde_json::{Map, Value};

use super::{ModelConfig, quantized};
use crate::FloatType;

impl ModelConfig {
    /// The content of a `config.json` that transformers 4.45 and 5 open alike, for weights
    /// stored as `dtype`: what was read, in its order, with the fields of this configuration
    /// in the old and the new spelling.
    pub fn to_json(&self, dtype: FloatType) -> Value {
        let mut out = self.raw.clone();
        // An empty one is a quantization without a method to transformers.
        out.retain(|key, value| !quantized::KEYS.contains(&key.as_str()) || value.is_null());
        // They name Python files, which do not come along.
        out.retain(|key, _| !matches!(key.as_str(), "auto_map" | "custom_pipelines"));
        let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
        set("architectures", vec![self.architecture.class()].into());
        set("model_type", self.architecture.model_type().into());
        set("vocab_size", self.vocab_size.into());
        set("hidden_size", self.hidden_size.into());
        let family = self.architecture.family();
        set(family.defaults.inner, self.intermediate_size.into());
        set("num_hidden_layers", self.layers.into());
        set("num_attention_heads", self.heads.into());
        set("num_key_value_heads", self.kv_heads.into());
        set("head_dim", self.head_dim.into());
        let activation = self.layer(0).feed_forward.activation.name();
        set("hidden_act", activation.into());
        set("max_position_embeddings", self.max_positions.into());
        set("rms_norm_eps", self.rms_norm_eps.into());
        set("tie_word_embeddings", self.tied.into());
        set_id(&mut out, "bos_token_id", self.bos);
        match self.eos.as_slice() {
            [] => set_id(&mut out, "eos_token_id", None),
            // A list of one stays a list.
            [one] if !out.get("eos_token_id").is_some_and(Value::is_array) => {
                set_id(&mut out, "eos_token_id", Some(*one));
            }
            list => {
                out.insert("eos_token_id".into(), list.into());
            }
        }
        set_id(&mut out, "pad_token_id", self.pad);
        (family.write)(self, &mut out);
        out.insert("torch_dtype".into(), dtype.torch_name().into());
        out.insert("dtype".into(), dtype.torch_name().into());
        Value::Object(out)
    }

    /// The content of a `generation_config.json` that says no more than the ids.
    pub fn generation_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("_from_model_config".into(), true.into());
        set_id(&mut out, "bos_token_id", self.bos);
        match self.eos.as_slice() {
            [] => {}
            [one] => set_id(&mut out, "eos_token_id", Some(*one)),
            list => {
                out.insert("eos_token_id".into(), list.into());
            }
        }
        set_id(&mut out, "pad_token_id", self.pad);
        Value::Object(out)
    }
}

/// A missing id is written as null: some families of transformers have a default for it.
fn set_id(out: &mut Map<String, Value>, key: &str, id: Option<u32>) {
    out.insert(key.to_owned(), id.map_or(Value::Null, Value::from));
}
