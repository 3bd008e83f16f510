//! Sliding windows: which layers attend to how many positions, in each family's spelling.

use serde_json::{Map, Value};

use super::keys::Keys;
use super::{Architecture, ConfigError, ModelConfig, Plan};
use crate::config::fields::shortened;

const LARGEST: usize = 1 << 40;
/// What transformers takes where a family's window is in use and not given.
const DEFAULT: usize = 4096;
/// From which layer on Qwen's windows are, where the key is absent.
const DEFAULT_FIRST: usize = 28;

/// The window, if there is one.
pub(super) fn given(keys: &Keys) -> Result<Option<usize>, ConfigError> {
    keys.count("sliding_window", LARGEST)
}

/// The window; that of transformers where the key is absent, none where it is null.
pub(super) fn or_default(keys: &Keys) -> Result<Option<usize>, ConfigError> {
    match keys.contains("sliding_window") {
        true => given(keys),
        false => Ok(Some(DEFAULT)),
    }
}

/// What `layer_types` says of each layer: whether it has a window. `None` where the key is absent.
pub(super) fn types(keys: &Keys) -> Result<Option<Vec<bool>>, ConfigError> {
    let types = match keys.get("layer_types") {
        None => return Ok(None),
        Some(Value::Array(types)) => types,
        Some(_) => return Err(keys.invalid("layer_types", "must be a list")),
    };
    let known = |kind: &Value| kind == "full_attention" || kind == "sliding_attention";
    if let Some(layer) = types.iter().position(|kind| !known(kind)) {
        let window = keys.get("sliding_window").map(shortened);
        let window = window.map_or_else(String::new, |window| format!(", window {window}"));
        let value = format!("layer {layer}: {}{window}", shortened(&types[layer]));
        let advice = "full_attention and sliding_attention are";
        return Err(keys.unsupported_value("layer_types", value, advice));
    }
    if types.len() != keys.layers {
        let message = format!("has {} entries for {} layers", types.len(), keys.layers);
        return Err(keys.invalid("layer_types", &message));
    }
    let sliding = types.iter().map(|kind| kind == "sliding_attention");
    Ok(Some(sliding.collect()))
}

/// Gives a window to the layers that `sliding` names.
pub(super) fn set(
    keys: &Keys,
    plan: &mut Plan,
    sliding: &[bool],
    window: Option<usize>,
) -> Result<(), ConfigError> {
    plan.each(keys.layers, |number, layer| {
        if sliding.get(number) == Some(&true) {
            layer.attention.window = Some(window.ok_or_else(|| absent(keys, number))?);
        }
        Ok(())
    })
}

fn absent(keys: &Keys, layer: usize) -> ConfigError {
    let value = format!("layer {layer}: \"sliding_attention\", window absent");
    let advice = "give its `sliding_window`, or full_attention";
    keys.unsupported_value("layer_types", value, advice)
}

/// The windows of Qwen's layers: those that `layer_types` names, else those from `max_window_layers` on, where
/// `use_sliding_window` is true.
pub(super) fn qwen(keys: &Keys, plan: &mut Plan) -> Result<(), ConfigError> {
    let window = or_default(keys)?;
    let from = keys.number("max_window_layers", 0.0..=1e9)?;
    let from = from.map_or(DEFAULT_FIRST, |from| from as usize);
    let used = keys.flag("use_sliding_window")?.unwrap_or(false);
    let sliding = match types(keys)? {
        // Where the flag is false, transformers has no mask for them: see `disputed`.
        Some(_) if !used => return Ok(()),
        Some(sliding) => sliding,
        // Null switches them off again.
        None => (0..keys.layers)
            .map(|layer| used && layer >= from && window.is_some())
            .collect(),
    };
    set(keys, plan, &sliding, window)
}

/// The window that programs disagree on: `layer_types` names layers for it, but transformers does not compute it for this
/// family, or not with the other keys as they are.
pub(super) fn disputed(keys: &Keys, plan: &Plan) -> Result<Option<usize>, ConfigError> {
    let computed = plan
        .layers
        .iter()
        .any(|layer| layer.attention.window.is_some());
    if keys.reads.contains(&"layer_types") {
        return Ok(None);
    }
    let named = types(keys)?.and_then(|types| types.iter().position(|&sliding| sliding));
    match named {
        Some(layer) if !computed => {
            let window = match keys.architecture {
                Architecture::Qwen2 | Architecture::Qwen3 => or_default(keys)?,
                _ => given(keys)?,
            };
            Ok(Some(window.ok_or_else(|| absent(keys, layer))?))
        }
        _ => Ok(None),
    }
}

/// The keys of Qwen's windows.
pub(super) fn write_qwen(config: &ModelConfig, out: &mut Map<String, Value>) {
    let window = config.narrowest_window();
    if config.disputed_window.is_none() {
        out.insert("use_sliding_window".into(), window.is_some().into());
    }
    if let Some(window) = window {
        out.insert("sliding_window".into(), window.into());
    }
}
