//! A model's metadata and tensors, of its configuration.

use super::super::names::{self, ROPE_FACTORS};
use super::super::rope::Llama3;
use super::{GgufMetadata, GgufTensor, GgufType, GgufValue, GgufWriteError, Order, Values};
use crate::{ModelConfig, Rope, RopeScaling, TensorShape};

/// ggml's version of its block formats.
pub(super) const QUANTIZATION_VERSION: u32 = 2;

/// The metadata, but for the tokenizer's, and the tensors of a model whose matrices are written as `kind`. `name` is
/// what the model is called.
///
/// # Errors
/// llama.cpp has no form for it.
pub fn gguf_model(
    config: &ModelConfig,
    name: &str,
    kind: GgufType,
) -> Result<(GgufMetadata, Vec<GgufTensor>), GgufWriteError> {
    check(config)?;
    let tensors = tensors(config, kind)?;
    let mut metadata = GgufMetadata::default();
    metadata.text("general.architecture", architecture(config));
    metadata.text("general.type", "model");
    metadata.text("general.name", name);
    metadata.text("general.size_label", size_label(config.parameters()));
    let key = |name: &str| format!("{}.{name}", architecture(config));
    for (name, count) in [
        ("block_count", config.layers),
        ("context_length", unwindowed(config)),
        ("embedding_length", config.hidden_size),
        ("feed_forward_length", config.intermediate_size),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
        ("rope.dimension_count", config.head_dim),
        ("vocab_size", config.vocab_size),
    ] {
        metadata.set(key(name), GgufValue::U32(word(name, count)?));
    }
    metadata.set(
        key("attention.layer_norm_rms_epsilon"),
        GgufValue::F32(config.rms_norm_eps as f32),
    );
    metadata.set(
        key("rope.freq_base"),
        GgufValue::F32(config.rope.theta as f32),
    );
    if let RopeScaling::Linear { factor } = &config.rope.scaling {
        metadata.text(key("rope.scaling.type"), "linear");
        metadata.set(key("rope.scaling.factor"), GgufValue::F32(*factor as f32));
    }
    metadata.set("general.file_type", GgufValue::U32(kind.file_type()));
    metadata.set(
        "general.quantization_version",
        GgufValue::U32(QUANTIZATION_VERSION),
    );
    Ok((metadata, tensors))
}

/// Refuses what is not written.
pub(super) fn check(config: &ModelConfig) -> Result<(), GgufWriteError> {
    let form = config.architecture.family().gguf.as_ref();
    if !form.is_some_and(|form| form.written) {
        return Err(GgufWriteError::Unsupported {
            what: format!("a model of the family {}", config.architecture.model_type()),
            advice: "Llama, Mistral, Qwen2 and Qwen3 can; llama.cpp's convert_hf_to_gguf.py takes the directory that \
                     `glpft export` writes",
        });
    }
    match &config.rope.scaling {
        RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Llama3 { .. } => Ok(()),
        scaling => Err(GgufWriteError::Unsupported {
            what: format!("the rotary scaling {}", scaling.name()),
            advice: "linear and llama3 can",
        }),
    }
}

/// The longest text that no window cuts: llama.cpp computes none for these families.
fn unwindowed(config: &ModelConfig) -> usize {
    let window = config.narrowest_window().unwrap_or(usize::MAX);
    config.context().min(window)
}

/// What llama.cpp calls the family.
pub(super) fn architecture(config: &ModelConfig) -> &'static str {
    let form = config.architecture.family().gguf.as_ref();
    form.map_or("", |form| form.name)
}

/// The order that llama.cpp has a projection's rows in: for the first of its families it puts the rows of queries and
/// keys that rotate together side by side.
pub(super) fn order(config: &ModelConfig, path: &str) -> Order {
    let heads = match path.rsplit_once('.') {
        Some((_, "q_proj")) => config.heads,
        Some((_, "k_proj")) => config.kv_heads,
        _ => return Order::AsTheyAre,
    };
    match &config.architecture.family().gguf {
        Some(form) if form.pairs_together => Order::PairsTogether { heads },
        _ => Order::AsTheyAre,
    }
}

fn tensors(config: &ModelConfig, kind: GgufType) -> Result<Vec<GgufTensor>, GgufWriteError> {
    let mut tensors = Vec::new();
    if let Some(factors) = rope_factors(&config.rope, config.head_dim) {
        if architecture(config) != "llama" {
            return Err(GgufWriteError::Unsupported {
                what: format!(
                    "Llama 3's rotary scaling in a {} model",
                    architecture(config)
                ),
                advice: "llama.cpp has it in models of the Llama family alone",
            });
        }
        tensors.push(GgufTensor {
            name: ROPE_FACTORS.to_owned(),
            shape: vec![factors.len()],
            kind: GgufType::F32,
            values: Values::Here(factors),
            order: Order::AsTheyAre,
        });
    }
    for TensorShape { name, shape } in config.tensors() {
        let path = name.rsplit_once('.').map_or("", |(path, _)| path);
        if name.ends_with(".bias") && !has_bias(config, path) {
            return Err(GgufWriteError::Unsupported {
                what: format!("`{name}`"),
                advice: "llama.cpp's Qwen models have biases on queries, keys and values alone",
            });
        }
        tensors.push(GgufTensor {
            name: names::ggml(&name).ok_or_else(|| unnamed(&name))?,
            kind: match shape[..] {
                [_, width] => kind.for_rows_of(width),
                _ => GgufType::F32,
            },
            order: order(config, path),
            values: Values::Named(name),
            shape,
        });
    }
    Ok(tensors)
}

pub(super) fn unnamed(name: &str) -> GgufWriteError {
    GgufWriteError::Unsupported {
        what: format!("`{name}`"),
        advice: "layers of Llama, Mistral, Qwen2 and Qwen3 can, and adapters to their projections; --merge makes one \
                 model of others",
    }
}

fn word(name: &str, count: usize) -> Result<u32, GgufWriteError> {
    u32::try_from(count).map_err(|_| GgufWriteError::Contradiction {
        name: name.to_owned(),
        message: format!("is {count}, more than 32 bits hold"),
    })
}

/// What the frequency of each pair is divided by, where that is not one number for all.
fn rope_factors(rope: &Rope, head_dim: usize) -> Option<Vec<f32>> {
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

/// Whether llama.cpp's graph of the family has the bias; it does not open a file that has others.
fn has_bias(config: &ModelConfig, path: &str) -> bool {
    let form = config.architecture.family().gguf.as_ref();
    let inputs = ["q_proj", "k_proj", "v_proj"];
    form.is_some_and(|form| form.biases) || inputs.iter().any(|name| path.ends_with(name))
}

/// The number of parameters with two digits at least, such as `135M`.
pub(super) fn size_label(parameters: u64) -> String {
    let (unit, suffix) = match parameters {
        1_000_000_000_001.. => (1e12, 'T'),
        1_000_000_001.. => (1e9, 'B'),
        1_000_001.. => (1e6, 'M'),
        _ => (1e3, 'K'),
    };
    let scaled = parameters as f64 / unit;
    let decimals = usize::from(scaled.round() < 10.0);
    format!("{scaled:.decimals$}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_converter() {
        for (parameters, label) in [
            (134_515_008, "135M"),
            (1_235_814_400, "1.2B"),
            (9_600_000, "10M"),
            (8_030_261_248, "8.0B"),
            (1_100, "1.1K"),
        ] {
            assert_eq!(size_label(parameters), label);
        }
    }
}
