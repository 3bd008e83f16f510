//! A model's configuration, of a GGUF file's metadata.

use serde_json::{Map, Value, json};

use super::names::{EMBEDDING_WEIGHT, HEAD_WEIGHT, ROPE_FACTORS};
use super::value::Value as Entry;
use super::{GgufError, GgufFile, keys, rope};
use crate::parts::Part;
use crate::{Architecture, ModelConfig};

/// ggml's number for the blocks as they are now.
const QUANTIZATION_VERSION: i64 = 2;

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
    /// The metadata lack something, contradict themselves or the tensors, or describe another kind of model than is
    /// computed.
    pub fn model_config(&self) -> Result<ModelConfig, GgufError> {
        self.check_kind()?;
        let family = self.architecture()?;
        let key = |name: &str| format!("{}.{name}", family.model_type());
        keys::check(self, family.model_type())?;
        let mut config = Map::new();
        for (name, theirs) in COUNTS {
            config.insert(theirs.into(), self.required_integer(&key(name))?.into());
        }
        let heads = self.required_integer(&key("attention.head_count"))?;
        let kv_heads = self
            .layers_integer(&key("attention.head_count_kv"))?
            .unwrap_or(heads);
        config.insert("num_key_value_heads".into(), kv_heads.into());
        let head_dim = self.head_dim(&key, heads)?;
        config.insert("head_dim".into(), head_dim.into());
        self.check_scale(&key, head_dim)?;
        let epsilon = key("attention.layer_norm_rms_epsilon");
        let epsilon = self.float(&epsilon)?.ok_or_else(|| self.absent(&epsilon))?;
        config.insert("rms_norm_eps".into(), epsilon.into());
        let theta = self.float(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        config.insert("rope_theta".into(), theta.into());
        config.insert("rope_scaling".into(), self.scaling(&key, theta)?);
        config.insert("vocab_size".into(), self.rows(&key)?.into());
        config.insert("tie_word_embeddings".into(), self.is_tied()?.into());
        let architecture = self.window(&key, family, &mut config)?;
        config.insert("architectures".into(), json!([architecture.class()]));
        config.insert("model_type".into(), architecture.model_type().into());
        if architecture == Architecture::Llama {
            let bias = |name| self.shape(name).is_some();
            config.insert("attention_bias".into(), bias("blk.0.attn_q.bias").into());
            config.insert("mlp_bias".into(), bias("blk.0.ffn_gate.bias").into());
        }
        config.insert("hidden_act".into(), "silu".into());
        for (name, theirs) in TOKENS {
            config.insert(theirs.into(), self.integer(name)?.into());
        }
        Ok(ModelConfig::at(self.path(), Value::Object(config))?)
    }

    /// Refuses what is no model, and quantizations that were before the format's.
    fn check_kind(&self) -> Result<(), GgufError> {
        if let Some(kind) = self.text("general.type")?
            && kind != "model"
        {
            let kind: String = kind.chars().take(40).collect();
            let what = format!("`general.type` = {kind:?}");
            return Err(self.unsupported(&what, "give the file of the model itself"));
        }
        let version = self.integer("general.quantization_version")?;
        match version {
            Some(version) if version != QUANTIZATION_VERSION && self.is_quantized() => {
                let what = format!("`general.quantization_version` = {version}");
                Err(self.unsupported(&what, "2 is; quantize the model again"))
            }
            _ => Ok(()),
        }
    }

    /// The embedding's rows, which the metadata may count, too.
    fn rows(&self, key: &impl Fn(&str) -> String) -> Result<usize, GgufError> {
        let rows = self.shape(EMBEDDING_WEIGHT).and_then(|shape| shape.first());
        let rows = *rows.ok_or_else(|| self.absent(EMBEDDING_WEIGHT))?;
        let name = key("vocab_size");
        match self.integer(&name)? {
            Some(told) if usize::try_from(told) != Ok(rows) => {
                let message = format!("is {told}, but `{EMBEDDING_WEIGHT}` has {rows} rows");
                Err(self.wrong(&name, &message))
            }
            _ => Ok(rows),
        }
    }

    /// Whether the head is the embedding: it has no tensor of its own in a whole file.
    fn is_tied(&self) -> Result<bool, GgufError> {
        let tied = self.shape(HEAD_WEIGHT).is_none();
        let name = self.path().file_name().and_then(|name| name.to_str());
        let part = name.and_then(Part::of).filter(|part| part.count > 1);
        match part {
            Some(part) if tied && !self.contains("split.count") => Err(GgufError::Split {
                path: self.path().to_owned(),
                message: format!(
                    "part {} of {} by its name, holds no `{HEAD_WEIGHT}` and does not say how it was split; join its parts",
                    part.number, part.count
                ),
            }),
            _ => Ok(tied),
        }
    }

    /// A window makes a Mistral of a Llama: the same computation but for that.
    fn window(
        &self,
        key: &impl Fn(&str) -> String,
        family: Architecture,
        config: &mut Map<String, Value>,
    ) -> Result<Architecture, GgufError> {
        let window = self.integer(&key("attention.sliding_window"))?.unwrap_or(0);
        let context = self.required_integer(&key("context_length"))?;
        if !(1..context).contains(&window) {
            return Ok(family);
        }
        config.insert("sliding_window".into(), window.into());
        if family == Architecture::Llama {
            return Ok(Architecture::Mistral);
        }
        config.insert("use_sliding_window".into(), true.into());
        config.insert("max_window_layers".into(), 0.into());
        Ok(family)
    }

    /// Refuses queries that are scaled otherwise than by the root of their width.
    fn check_scale(&self, key: &impl Fn(&str) -> String, head_dim: i64) -> Result<(), GgufError> {
        let name = key("attention.scale");
        let usual = 1.0 / (head_dim as f64).sqrt();
        match self.float(&name)? {
            Some(scale) if scale != 0.0 && (scale - usual).abs() > 1e-6 * usual => {
                let what = format!("`{name}` = {scale} beside heads of {head_dim}");
                Err(self.unsupported(&what, "one over the root of their width is"))
            }
            _ => Ok(()),
        }
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
        let kind = key("rope.scaling.type");
        // Older files have the other key, and mean the same; llama.cpp takes 0 for "not said".
        let (new, old) = (key("rope.scaling.factor"), key("rope.scale_linear"));
        let given = |name: &str| Ok::<_, GgufError>(self.float(name)?.filter(|one| *one != 0.0));
        let (factor, older) = (given(&new)?, given(&old)?);
        if let (Some(one), Some(other)) = (factor, older)
            && one != other
        {
            let message = format!("is {other}, `{new}` is {one}");
            return Err(self.wrong(&old, &message));
        }
        let factor = factor.or(older);
        let scaling = match (self.text(&kind)?, factor) {
            (Some("none"), _) | (None | Some("linear"), None) => Value::Null,
            // Without a type it is linear.
            (None | Some("linear"), Some(1.0)) => Value::Null,
            (None | Some("linear"), Some(factor)) => {
                json!({"rope_type": "linear", "factor": factor})
            }
            (Some(name), _) => {
                let name: String = name.chars().take(40).collect();
                let what = format!("`{kind}` = {name:?}");
                return Err(self.unsupported(&what, "none and linear are"));
            }
        };
        let Some(factors) = self.read_f32(ROPE_FACTORS) else {
            return Ok(scaling);
        };
        if !scaling.is_null() {
            let what = format!("`{ROPE_FACTORS}` beside a scaling by `{new}` or `{old}`");
            return Err(self.unsupported(&what, "one of them is"));
        }
        rope::llama3(&factors?, theta).ok_or_else(|| {
            let what = format!("`{ROPE_FACTORS}` with these factors");
            self.unsupported(&what, "those of Llama 3.1 to 3.3 are")
        })
    }

    /// A whole number that newer files may give for every layer.
    fn layers_integer(&self, key: &str) -> Result<Option<i64>, GgufError> {
        let Some(Entry::List(_)) = self.value(key) else {
            return self.integer(key);
        };
        let numbers = self.numbers(key)?.unwrap_or_default();
        match numbers.split_first() {
            // A number of 32 bits; a larger one is refused as no count of anything.
            Some((first, rest)) if rest.iter().all(|one| one == first) => Ok(Some(*first as i64)),
            _ => {
                let what = format!("`{key}` = {}", self.shown(key));
                Err(self.unsupported(&what, "the same number for every layer is"))
            }
        }
    }

    fn required_integer(&self, key: &str) -> Result<i64, GgufError> {
        self.layers_integer(key)?.ok_or_else(|| self.absent(key))
    }

    fn absent(&self, key: &str) -> GgufError {
        self.wrong(key, "is missing")
    }
}
