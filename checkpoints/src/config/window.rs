//! Sliding windows: which layers attend to how many positions, in each family's spelling.

use serde_json::Value;

use super::{Architecture, ConfigError};
use crate::fields::{Fields, shortened};

const LARGEST: usize = 1 << 40;
/// What transformers takes where a family's window is in use and not given.
const DEFAULT: usize = 4096;
/// From which layer on Qwen's windows are, where the key is absent.
const DEFAULT_FIRST: usize = 28;

/// The window of the layers that have one; none where all attend to everything.
pub(super) fn read(
    fields: &Fields,
    architecture: Architecture,
    layers: usize,
) -> Result<Option<usize>, ConfigError> {
    let first = first_sliding(fields, layers)?;
    let window = fields.count("sliding_window", LARGEST)?;
    let or_default = match fields.contains("sliding_window") {
        true => window,
        false => Some(DEFAULT),
    };
    let (used, window) = match architecture {
        // transformers reads neither key for this family; others do, and within the window all agree.
        Architecture::Llama => (matches!(first, Types::Sliding(_)), window),
        // All layers, whatever `layer_types` says.
        Architecture::Mistral => (or_default.is_some(), or_default),
        Architecture::Qwen2 | Architecture::Qwen3 => {
            let from = fields.number("max_window_layers", 0.0..=1e9)?;
            let from = from.map_or(DEFAULT_FIRST, |from| from as usize);
            let by_flag = fields.flag("use_sliding_window")?.unwrap_or(false) && from < layers;
            let used = match first {
                Types::Sliding(_) => true,
                Types::Full => false,
                // Null switches them off again.
                Types::Absent => by_flag && or_default.is_some(),
            };
            (used, or_default)
        }
    };
    match (used, window, first) {
        (true, Some(window), _) => Ok(Some(window)),
        (_, None, Types::Sliding(layer)) => {
            let value = format!("layer {layer}: \"sliding_attention\", window absent");
            let advice = "give its `sliding_window`, or full_attention";
            Err(fields.unsupported_value("layer_types", value, advice))
        }
        _ => Ok(None),
    }
}

/// What `layer_types` says.
#[derive(Clone, Copy)]
enum Types {
    Absent,
    /// Every layer attends to everything.
    Full,
    /// The first layer with a window.
    Sliding(usize),
}

fn first_sliding(fields: &Fields, layers: usize) -> Result<Types, ConfigError> {
    let types = match fields.get("layer_types") {
        None => return Ok(Types::Absent),
        Some(Value::Array(types)) => types,
        Some(_) => return Err(fields.invalid("layer_types", "must be a list")),
    };
    let known = |kind: &Value| kind == "full_attention" || kind == "sliding_attention";
    if let Some(layer) = types.iter().position(|kind| !known(kind)) {
        let window = fields.get("sliding_window").map(shortened);
        let window = window.map_or_else(String::new, |window| format!(", window {window}"));
        let value = format!("layer {layer}: {}{window}", shortened(&types[layer]));
        let advice = "full_attention and sliding_attention are";
        return Err(fields.unsupported_value("layer_types", value, advice));
    }
    if types.len() != layers {
        let message = format!("has {} entries for {layers} layers", types.len());
        return Err(fields.invalid("layer_types", &message));
    }
    let sliding = types.iter().position(|kind| kind == "sliding_attention");
    Ok(sliding.map_or(Types::Full, Types::Sliding))
}
