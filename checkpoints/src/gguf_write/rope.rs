//! Rotary settings: metadata, and tensors of factors.

use super::metadata::in_32_bits;
use super::{GgufMetadata, GgufTensor, GgufType, GgufValue, GgufWriteError, Order, Values};
use crate::config::GgufForm;
use crate::gguf::names::{LONG_FACTORS, ROPE_FACTORS, SHORT_FACTORS};
use crate::gguf::rope::{Llama3, ORIGINAL_KEY};
use crate::{Architecture, ModelConfig, Rope, RopeScaling};

/// Sets how frequencies are changed.
pub(super) fn set(
    config: &ModelConfig,
    form: &GgufForm,
    metadata: &mut GgufMetadata,
) -> Result<(), GgufWriteError> {
    let key = |name: &str| format!("{}.{name}", form.name);
    let kind = key("rope.scaling.type");
    let factor_key = key("rope.scaling.factor");
    let original =
        |length: usize| Ok::<_, GgufWriteError>(GgufValue::U32(in_32_bits(ORIGINAL_KEY, length)?));
    let is_phi3 = config.architecture == Architecture::Phi3;
    match &config.rope.scaling {
        RopeScaling::None if is_phi3 => {
            metadata.set(key(ORIGINAL_KEY), original(config.max_positions)?);
        }
        RopeScaling::None => {}
        // It is in a tensor.
        RopeScaling::Llama3 { .. } => {}
        RopeScaling::Linear { factor } => {
            metadata.text(kind, "linear");
            metadata.set(factor_key, GgufValue::F32(*factor as f32));
        }
        RopeScaling::Yarn {
            factor,
            original_max_positions,
            attention_factor,
            beta_fast,
            beta_slow,
            mscale,
            truncate,
        } => {
            if attention_factor.is_some() || *mscale != [None; 2] || !truncate {
                return Err(GgufWriteError::Unsupported {
                    what: "YaRN with an `attention_factor`, an `mscale` or without `truncate`"
                        .to_owned(),
                    advice: "llama.cpp has it as the paper does",
                });
            }
            metadata.text(kind, "yarn");
            for (name, value) in [
                ("factor", factor),
                ("yarn_beta_fast", beta_fast),
                ("yarn_beta_slow", beta_slow),
            ] {
                let name = key(&format!("rope.scaling.{name}"));
                metadata.set(name, GgufValue::F32(*value as f32));
            }
            metadata.set(key(ORIGINAL_KEY), original(*original_max_positions)?);
        }
        scaling @ RopeScaling::Long {
            original_max_positions,
            ..
        } if is_phi3 => {
            metadata.text(kind, "longrope");
            metadata.set(key(ORIGINAL_KEY), original(*original_max_positions)?);
            let factor = GgufValue::F32(scaling.attention_factor() as f32);
            metadata.set(key("rope.scaling.attn_factor"), factor);
        }
        scaling @ (RopeScaling::Dynamic { .. } | RopeScaling::Long { .. }) => {
            return Err(GgufWriteError::Unsupported {
                what: format!("the rotary scaling {}", scaling.name()),
                advice: "linear, llama3 and yarn can, and longrope in models of the family Phi-3",
            });
        }
    }
    Ok(())
}

/// The tensors that say how frequencies are changed.
pub(super) fn factors(
    config: &ModelConfig,
    form: &GgufForm,
) -> Result<Vec<GgufTensor>, GgufWriteError> {
    let tensor = |name: &str, factors: Vec<f32>| GgufTensor {
        name: name.to_owned(),
        shape: vec![factors.len()],
        kind: GgufType::F32,
        values: Values::Here(factors),
        order: Order::AsTheyAre,
        plus: 0.0,
    };
    if let RopeScaling::Long { short, long, .. } = &config.rope.scaling {
        let singles = |factors: &[f64]| factors.iter().map(|factor| *factor as f32).collect();
        return Ok(vec![
            tensor(LONG_FACTORS, singles(long)),
            tensor(SHORT_FACTORS, singles(short)),
        ]);
    }
    let Some(divisors) = divisors(&config.rope, config.head_dim) else {
        return Ok(Vec::new());
    };
    if form.name != "llama" {
        return Err(GgufWriteError::Unsupported {
            what: format!("Llama 3's rotary scaling in a {} model", form.name),
            advice: "llama.cpp has it in models of the Llama family alone",
        });
    }
    Ok(vec![tensor(ROPE_FACTORS, divisors)])
}

/// What the frequency of each pair is divided by, where that is not one number for all.
fn divisors(rope: &Rope, head_dim: usize) -> Option<Vec<f32>> {
    let RopeScaling::Llama3 {
        factor,
        low_frequency_factor: low,
        high_frequency_factor: high,
        original_max_positions,
    } = &rope.scaling
    else {
        return None;
    };
    let scaling = Llama3 {
        factor: *factor,
        low: *low,
        high: *high,
        positions: *original_max_positions as f64,
    };
    let divisors = scaling.divisors(head_dim / 2, rope.theta);
    Some(divisors.map(|divisor| divisor as f32).collect())
}
