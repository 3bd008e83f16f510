//! What the metadata of single families say: windows, scales, layers without positions.

use super::metadata::in_32_bits;
use super::{GgufMetadata, GgufValue, GgufWriteError};
use crate::config::GgufForm;
use crate::gguf::family::{GEMMA_PERIOD, SMOLLM3_INTERVAL};
use crate::{Architecture, ModelConfig, Rope, Rotary};

/// Sets them.
///
/// # Errors
/// llama.cpp has the family otherwise.
pub(super) fn set(
    config: &ModelConfig,
    form: &GgufForm,
    metadata: &mut GgufMetadata,
) -> Result<(), GgufWriteError> {
    let key = |name: &str| format!("{}.{name}", form.name);
    let single = |value: f64| GgufValue::F32(value as f32);
    let layer = config.layer(0);
    let window = config.narrowest_window();
    let has_window = |layer: usize| config.layer(layer).attention.window.is_some();
    if let Some(window) = window {
        let window = in_32_bits("attention.sliding_window", window)?;
        metadata.set(key("attention.sliding_window"), GgufValue::U32(window));
    }
    match config.architecture {
        Architecture::Gemma3 => {
            let usual = 1.0 / (config.head_dim as f64).sqrt();
            let scale = layer.attention.scale.unwrap_or(usual);
            if (scale - usual).abs() > 1e-6 * usual {
                return Err(refused(
                    "`query_pre_attn_scalar` that is not the heads' width",
                    "llama.cpp scales by that in Gemma 3's smaller models",
                ));
            }
            if let Some(local) = &config.plan.local_rope {
                if *local != Rope::plain(local.theta) {
                    return Err(refused(
                        "a rotary scaling of the layers with a window",
                        "llama.cpp has one of the others alone",
                    ));
                }
                metadata.set(key("rope.freq_base_swa"), single(local.theta));
            }
            let periodic = |period: &usize| {
                (0..config.layers)
                    .all(|layer| has_window(layer) != (layer + 1).is_multiple_of(*period))
            };
            let period = [GEMMA_PERIOD]
                .into_iter()
                .chain(1..=config.layers + 1)
                .find(periodic);
            match (window, period) {
                (None, _) | (_, Some(GEMMA_PERIOD)) => {}
                (_, Some(period)) => {
                    let period = in_32_bits("attention.sliding_window_pattern", period)?;
                    metadata.set(
                        key("attention.sliding_window_pattern"),
                        GgufValue::U32(period),
                    );
                }
                (_, None) => {
                    return Err(refused(
                        "windows that do not leave out every so manyth layer",
                        "llama.cpp has them so",
                    ));
                }
            }
            return Ok(());
        }
        Architecture::Granite => {
            for (name, scale) in [
                ("attention.scale", layer.attention.scale.unwrap_or(1.0)),
                ("embedding_scale", config.plan.embedding_scale),
                ("residual_scale", layer.residual_scale),
                ("logit_scale", config.plan.logits_divisor),
            ] {
                metadata.set(key(name), single(scale));
            }
        }
        Architecture::SmolLm3 => {
            let turns = |layer: usize| config.layer(layer).attention.rotary != Rotary::None;
            let usual = |layer: usize| turns(layer) != (layer + 1).is_multiple_of(SMOLLM3_INTERVAL);
            if window.is_some() || !(0..config.layers).all(usual) {
                return Err(refused(
                    "a SmolLM3 with windows, or other layers without positions than every fourth",
                    "llama.cpp has none such",
                ));
            }
        }
        // It tells Phi-4 from the others by a window of 0.
        Architecture::Phi3 if window.is_none() => {
            metadata.set(key("attention.sliding_window"), GgufValue::U32(0));
        }
        _ => {}
    }
    if window.is_some() && !(0..config.layers).all(has_window) {
        return Err(refused(
            "a window in some of the layers",
            "in this family llama.cpp's metadata name one for all",
        ));
    }
    Ok(())
}

/// What llama.cpp computes otherwise than the model is meant, if anything.
pub fn gguf_note(config: &ModelConfig) -> Option<String> {
    let window = config.narrowest_window()?;
    let form = config.architecture.family().gguf.as_ref()?;
    let shorter = window < config.max_positions;
    (shorter && !form.windows).then(|| {
        format!(
            "llama.cpp computes no sliding window in {} models: texts of more than {window} tokens are scored otherwise",
            form.name
        )
    })
}

fn refused(what: &str, advice: &'static str) -> GgufWriteError {
    GgufWriteError::Unsupported {
        what: what.to_owned(),
        advice,
    }
}
