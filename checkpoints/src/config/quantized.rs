//! Models whose weights are quantized in another form than GGUF's: named by method and bits.

use serde_json::{Map, Value};

use super::ConfigError;
use crate::config::fields::{Fields, shortened};

/// Where the method stands: transformers', that of compressed-tensors' older files, MLX's.
pub(super) const KEYS: [&str; 3] = ["quantization_config", "compression_config", "quantization"];

/// Refuses what says that the weights are quantized.
pub(super) fn check(fields: &Fields) -> Result<(), ConfigError> {
    let Some(key) = KEYS.into_iter().find(|key| !fields.says_nothing(key)) else {
        return Ok(());
    };
    let what = match fields.get(key) {
        Some(Value::Object(settings)) => describe(settings),
        Some(other) => shortened(other),
        None => String::new(),
    };
    Err(fields.unsupported_value(
        key,
        what,
        "take the model that is not quantized, or a .gguf file",
    ))
}

/// Such as `gptq, 4 bits` or `bitsandbytes, 4 bits (nf4)`.
fn describe(settings: &Map<String, Value>) -> String {
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    let method = ["quant_method", "quant_type", "format", "mode"];
    let method = method.iter().find_map(|key| text(key));
    let bits = ["bits", "w_bit", "nbits", "weight_bits"];
    let bits = bits.iter().find_map(|key| settings.get(*key)?.as_f64());
    let flag = |key: &str| settings.get(key).and_then(Value::as_bool) == Some(true);
    let bits = match bits {
        Some(bits) => Some(bits),
        None if flag("load_in_4bit") => Some(4.0),
        None if flag("load_in_8bit") => Some(8.0),
        None => None,
    };
    let detail = match flag("load_in_4bit") {
        true => text("bnb_4bit_quant_type"),
        false => text("fmt"),
    };
    let short = |text: &str| text.chars().take(30).collect::<String>();
    let mut words = Vec::new();
    words.extend(method.map(short));
    words.extend(bits.map(|bits| format!("{bits} bits")));
    let mut told = words.join(", ");
    if told.is_empty() {
        told = shortened(&Value::Object(settings.clone()));
    }
    match detail {
        Some(detail) => format!("{told} ({})", short(detail)),
        None => told,
    }
}
