//! What the metadata of single families say: windows, scales, layers without positions.

use serde_json::{Map, Value};

use super::{GgufError, GgufFile};
use crate::Architecture;

/// Granite's multipliers: the metadata's key after the architecture, `config.json`'s key.
const MULTIPLIERS: [(&str, &str); 3] = [
    ("embedding_scale", "embedding_multiplier"),
    ("residual_scale", "residual_multiplier"),
    ("logit_scale", "logits_scaling"),
];
/// Which layers of a Gemma 3 have no window: every so manyth, where the file does not say.
pub(crate) const GEMMA_PERIOD: usize = 6;
/// The rotary base of Gemma 3's layers with a window, where the file does not say.
const GEMMA_LOCAL_THETA: f64 = 10_000.0;
/// Which layers of a SmolLM3 know no positions: every so manyth; llama.cpp has no key for it.
pub(crate) const SMOLLM3_INTERVAL: usize = 4;

impl GgufFile {
    /// Sets what `config.json` has for this family alone, and returns the family that it is then.
    pub(super) fn family_keys(
        &self,
        key: &impl Fn(&str) -> String,
        family: Architecture,
        head_dim: i64,
        config: &mut Map<String, Value>,
    ) -> Result<Architecture, GgufError> {
        let scale = self.scale(key)?;
        let usual = 1.0 / (head_dim as f64).sqrt();
        let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
        match family {
            Architecture::Granite => {
                for (name, theirs) in MULTIPLIERS {
                    // 0 is "not said" to llama.cpp.
                    let scale = self.float(&key(name))?.filter(|scale| *scale != 0.0);
                    set(theirs, scale.unwrap_or(1.0).into());
                }
                set("attention_multiplier", scale.unwrap_or(usual).into());
                let name = key("rope.scaling.finetuned");
                if self.flag(&name)? == Some(false) {
                    let what = format!("`{name}` = false, which leaves out positions,");
                    return Err(self.unsupported(&what, "Granite with positions is"));
                }
            }
            Architecture::Gemma3 => {
                let name = "hidden_activation";
                set(name, crate::Activation::GeluTanh.name().into());
                set("query_pre_attn_scalar", query_scalar(scale, head_dim));
                let local = self.float(&key("rope.freq_base_swa"))?;
                let local = local.unwrap_or(GEMMA_LOCAL_THETA);
                set("rope_local_base_freq", local.into());
                let period = self.integer(&key("attention.sliding_window_pattern"))?;
                // Without a window every layer is one that has none.
                let (window, period) = match self.window(key)? {
                    None => (Value::Null, 1),
                    Some(window) => (window.into(), period.unwrap_or(GEMMA_PERIOD as i64)),
                };
                set("sliding_window", window);
                set("sliding_window_pattern", period.into());
                return Ok(family);
            }
            _ => self.check_scale(key, scale, head_dim)?,
        }
        let window = self.window(key)?;
        match (family, window) {
            (Architecture::Phi3, window) => {
                let window = window.map_or(Value::Null, Value::from);
                set("sliding_window", window);
            }
            (Architecture::SmolLm3, _) => {
                set("no_rope_layer_interval", SMOLLM3_INTERVAL.into());
            }
            _ => {}
        }
        let context = self.required_integer(&key("context_length"))?;
        let Some(window) = window.filter(|window| *window < context) else {
            return Ok(family);
        };
        match family {
            // The same computation but for that.
            Architecture::Llama => {
                set("sliding_window", window.into());
                Ok(Architecture::Mistral)
            }
            Architecture::Qwen2 | Architecture::Qwen3 => {
                set("sliding_window", window.into());
                set("use_sliding_window", true.into());
                set("max_window_layers", 0.into());
                Ok(family)
            }
            Architecture::Phi3 => Ok(family),
            _ => {
                let what = format!("`{}` = {window}", key("attention.sliding_window"));
                Err(self.unsupported(&what, "this family without a window is"))
            }
        }
    }

    /// How many positions back a token attends; none where it is all.
    fn window(&self, key: &impl Fn(&str) -> String) -> Result<Option<i64>, GgufError> {
        let window = self.integer(&key("attention.sliding_window"))?;
        Ok(window.filter(|window| *window > 0))
    }

    /// What scores are multiplied with, where the file says so; 0 is "not said" to llama.cpp.
    fn scale(&self, key: &impl Fn(&str) -> String) -> Result<Option<f64>, GgufError> {
        let scale = self.float(&key("attention.scale"))?;
        Ok(scale.filter(|scale| *scale != 0.0))
    }

    /// Refuses queries that are scaled otherwise than by the root of their width.
    fn check_scale(
        &self,
        key: &impl Fn(&str) -> String,
        scale: Option<f64>,
        head_dim: i64,
    ) -> Result<(), GgufError> {
        let usual = 1.0 / (head_dim as f64).sqrt();
        match scale {
            Some(scale) if (scale - usual).abs() > 1e-6 * usual => {
                let what = format!(
                    "`{}` = {scale} beside heads of {head_dim}",
                    key("attention.scale")
                );
                Err(self.unsupported(&what, "one over the root of their width is"))
            }
            _ => Ok(()),
        }
    }
}

/// The number whose root scores are divided by: the heads' width where the file does not say. transformers takes a whole
/// number alone.
fn query_scalar(scale: Option<f64>, head_dim: i64) -> Value {
    let Some(scalar) = scale.map(|scale| scale.powi(-2)) else {
        return head_dim.into();
    };
    let whole = scalar.round();
    match (scalar - whole).abs() <= 1e-5 * scalar && whole >= 1.0 {
        true => (whole as i64).into(),
        false => scalar.into(),
    }
}
