//! A model's configuration, of a GGUF file's metadata.

use serde_json::{Map, Value, json};

use super::names::{EMBEDDING_WEIGHT, HEAD_WEIGHT};
use super::value::Value as Entry;
use super::{GgufError, GgufFile, keys};
use crate::config::GgufForm;
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
        let (family, form) = self.architecture()?;
        let key = |name: &str| format!("{}.{name}", form.name);
        keys::check(self, form)?;
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
        let epsilon = key("attention.layer_norm_rms_epsilon");
        let epsilon = self.float(&epsilon)?.ok_or_else(|| self.absent(&epsilon))?;
        config.insert("rms_norm_eps".into(), epsilon.into());
        let theta = self.float(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        config.insert("rope_theta".into(), theta.into());
        self.rotation(&key, family, head_dim, theta, &mut config)?;
        config.insert("vocab_size".into(), self.rows(&key)?.into());
        config.insert("tie_word_embeddings".into(), self.is_tied()?.into());
        let architecture = self.family_keys(&key, family, head_dim, &mut config)?;
        config.insert("architectures".into(), json!([architecture.class()]));
        config.insert("model_type".into(), architecture.model_type().into());
        if form.biases || architecture == Architecture::SmolLm3 {
            let bias = |name| self.shape(name).is_some();
            config.insert("attention_bias".into(), bias("blk.0.attn_q.bias").into());
            config.insert("mlp_bias".into(), bias("blk.0.ffn_gate.bias").into());
        }
        if architecture != Architecture::Gemma3 {
            config.insert("hidden_act".into(), "silu".into());
        }
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

    fn architecture(&self) -> Result<(Architecture, &'static GgufForm), GgufError> {
        let key = "general.architecture";
        let name = self.text(key)?.ok_or_else(|| self.absent(key))?;
        // Mistral's models are `llama` here, and no other architecture of theirs is the same model.
        let family = GgufForm::family(name);
        let form = family.and_then(|family| Some((family, family.family().gguf.as_ref()?)));
        form.ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            self.unsupported(
                &format!("the architecture {name:?}"),
                format!("{} are", GgufForm::all()),
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
        let name = key("attention.value_length");
        match self.integer(&name)? {
            Some(other) if other != width => {
                let what = format!("`{name}` = {other} beside heads of {width}");
                Err(self.unsupported(&what, "the same width is"))
            }
            _ => Ok(width),
        }
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

    pub(super) fn required_integer(&self, key: &str) -> Result<i64, GgufError> {
        self.layers_integer(key)?.ok_or_else(|| self.absent(key))
    }

    pub(super) fn absent(&self, key: &str) -> GgufError {
        self.wrong(key, "is missing")
    }
}
