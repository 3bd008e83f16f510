//! A model's configuration, of a GGUF file's metadata.

use serde_json::{Map, Value, json};

use super::names::{EMBEDDING_WEIGHT, HEAD_WEIGHT, ROPE_FACTORS};
use super::{GgufError, GgufFile, rope};
use crate::{Architecture, ModelConfig};

/// Whole numbers: the metadata's key after the architecture, `config.json`'s key.
const COUNTS: [(&str, &str); 5] = [
    ("context_length", "max_position_embeddings"),
    ("embedding_length", "hidden_size"),
    ("feed_forward_length", "intermediate_size"),
    ("block_count", "num_hidden_layers"),
    ("attention.head_count", "num_attention_heads"),
];

/// The special tokens: the metadata's key, `config.json`'s key.
const TOKENS: [(&str, &str); 3] = [
    ("tokenizer.ggml.bos_token_id", "bos_token_id"),
    ("tokenizer.ggml.eos_token_id", "eos_token_id"),
    ("tokenizer.ggml.padding_token_id", "pad_token_id"),
];

impl GgufFile {
    /// The configuration that Hugging Face would have of this model.
    ///
    /// # Errors
    /// The metadata lack something, contradict themselves, or describe another kind of model than is computed.
    pub fn model_config(&self) -> Result<ModelConfig, GgufError> {
        let architecture = self.architecture()?;
        let key = |name: &str| format!("{}.{name}", architecture.model_type());
        let mut config = Map::new();
        config.insert("architectures".into(), json!([architecture.class()]));
        config.insert("model_type".into(), architecture.model_type().into());
        for (name, theirs) in COUNTS {
            config.insert(theirs.into(), self.required_integer(&key(name))?.into());
        }
        let heads = self.required_integer(&key("attention.head_count"))?;
        let kv_heads = self
            .integer(&key("attention.head_count_kv"))?
            .unwrap_or(heads);
        config.insert("num_key_value_heads".into(), kv_heads.into());
        config.insert("head_dim".into(), self.head_dim(&key, heads)?.into());
        let epsilon = key("attention.layer_norm_rms_epsilon");
        let epsilon = self.float(&epsilon)?.ok_or_else(|| self.absent(&epsilon))?;
        config.insert("rms_norm_eps".into(), epsilon.into());
        let theta = self.float(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        config.insert("rope_theta".into(), theta.into());
        config.insert("rope_scaling".into(), self.scaling(&key, theta)?);
        let rows = self.shape(EMBEDDING_WEIGHT).and_then(|shape| shape.first());
        let rows = rows.ok_or_else(|| self.absent(EMBEDDING_WEIGHT))?;
        config.insert("vocab_size".into(), (*rows).into());
        let tied = self.shape(HEAD_WEIGHT).is_none();
        config.insert("tie_word_embeddings".into(), tied.into());
        if architecture == Architecture::Llama {
            let bias = |name| self.shape(name).is_some();
            config.insert("attention_bias".into(), bias("blk.0.attn_q.bias").into());
            config.insert("mlp_bias".into(), bias("blk.0.ffn_gate.bias").into());
        }
        config.insert("hidden_act".into(), "silu".into());
        for (name, theirs) in TOKENS {
            config.insert(theirs.into(), self.integer(name)?.into());
        }
        self.refuse_others(&key)?;
        Ok(ModelConfig::at(self.path(), Value::Object(config))?)
    }

    fn architecture(&self) -> Result<Architecture, GgufError> {
        let key = "general.architecture";
        let name = self.text(key)?.ok_or_else(|| self.absent(key))?;
        // Mistral's models are `llama` here, and no other architecture of theirs is the same model.
        let known = [
            Architecture::Llama,
            Architecture::Qwen2,
            Architecture::Qwen3,
        ];
        let found = known.into_iter().find(|known| known.model_type() == name);
        found.ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            self.unsupported(
                &format!("the architecture {name:?}"),
                "llama, qwen2 and qwen3 are",
            )
        })
    }

    fn head_dim(&self, key: &impl Fn(&str) -> String, heads: i64) -> Result<i64, GgufError> {
        let hidden = self.required_integer(&key("embedding_length"))?;
        let even = hidden.checked_rem(heads) == Some(0);
        let width = match self.integer(&key("attention.key_length"))? {
            Some(width) => width,
            None if even => hidden / heads,
            None => {
                let message = format!("is {hidden}, not a multiple of the {heads} heads");
                return Err(self.wrong(&key("embedding_length"), &message));
            }
        };
        for name in ["attention.value_length", "rope.dimension_count"] {
            if let Some(other) = self.integer(&key(name))?
                && other != width
            {
                let what = format!("`{}` = {other} beside heads of {width}", key(name));
                return Err(self.unsupported(&what, "the same width is"));
            }
        }
        Ok(width)
    }

    fn scaling(&self, key: &impl Fn(&str) -> String, theta: f64) -> Result<Value, GgufError> {
        if let Some(factors) = self.read_f32(ROPE_FACTORS) {
            return rope::llama3(&factors?, theta).ok_or_else(|| {
                let what = format!("`{ROPE_FACTORS}` with these factors");
                self.unsupported(&what, "those of Llama 3.1 to 3.3 are")
            });
        }
        let name = self.text(&key("rope.scaling.type"))?;
        let factor = self.float(&key("rope.scaling.factor"))?;
        match (name, factor) {
            (None | Some("none"), _) => Ok(Value::Null),
            (Some("linear"), Some(factor)) => Ok(json!({"rope_type": "linear", "factor": factor})),
            (Some(name), _) => {
                let name: String = name.chars().take(40).collect();
                let what = format!("`{}` = {name:?}", key("rope.scaling.type"));
                Err(self.unsupported(&what, "none and linear with a factor are"))
            }
        }
    }

    /// Refuses what changes the model's arithmetic.
    fn refuse_others(&self, key: &impl Fn(&str) -> String) -> Result<(), GgufError> {
        if self
            .integer(&key("expert_count"))?
            .is_some_and(|count| count > 0)
        {
            return Err(self.unsupported("a mixture of experts", "one MLP a layer is"));
        }
        let window = self.integer(&key("attention.sliding_window"))?.unwrap_or(0);
        let context = self.required_integer(&key("context_length"))?;
        if (1..context).contains(&window) {
            let what = format!("a sliding window of {window}");
            return Err(self.unsupported(&what, "attention over the whole context is"));
        }
        Ok(())
    }

    fn required_integer(&self, key: &str) -> Result<i64, GgufError> {
        self.integer(key)?.ok_or_else(|| self.absent(key))
    }

    fn absent(&self, key: &str) -> GgufError {
        self.wrong(key, "is missing")
    }

    fn unsupported(&self, what: &str, advice: &'static str) -> GgufError {
        GgufError::Unsupported {
            path: self.path().to_owned(),
            what: what.to_owned(),
            advice,
        }
    }
}
