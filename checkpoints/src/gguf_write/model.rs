//! A model's metadata and tensors, of its configuration.

use super::metadata::in_32_bits;
use super::{
    GgufMetadata, GgufTensor, GgufType, GgufValue, GgufWriteError, Order, Values, family, rope,
};
use crate::config::GgufForm;
use crate::gguf::names;
use crate::{ModelConfig, TensorShape};

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
    let form = form(config)?;
    let tensors = tensors(config, form, kind)?;
    let mut metadata = GgufMetadata::default();
    metadata.text("general.architecture", form.name);
    metadata.text("general.type", "model");
    metadata.text("general.name", name);
    metadata.text("general.size_label", size_label(config.parameters()));
    let key = |name: &str| format!("{}.{name}", form.name);
    for (name, count) in [
        ("block_count", config.layers),
        ("context_length", context(config)),
        ("embedding_length", config.hidden_size),
        ("feed_forward_length", config.intermediate_size),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
        ("rope.dimension_count", config.rope.width(config.head_dim)),
        ("vocab_size", config.vocab_size),
    ] {
        metadata.set(key(name), GgufValue::U32(in_32_bits(name, count)?));
    }
    metadata.set(
        key("attention.layer_norm_rms_epsilon"),
        GgufValue::F32(config.rms_norm_eps as f32),
    );
    metadata.set(
        key("rope.freq_base"),
        GgufValue::F32(config.rope.theta as f32),
    );
    rope::set(config, form, &mut metadata)?;
    family::set(config, form, &mut metadata)?;
    metadata.set("general.file_type", GgufValue::U32(kind.file_type()));
    metadata.set(
        "general.quantization_version",
        GgufValue::U32(QUANTIZATION_VERSION),
    );
    Ok((metadata, tensors))
}

/// How the family lies in a file.
pub(super) fn form(config: &ModelConfig) -> Result<&'static GgufForm, GgufWriteError> {
    let form = config.architecture.family().gguf.as_ref();
    form.ok_or_else(|| GgufWriteError::Unsupported {
        what: format!(
            "a model of the family {}",
            config.architecture.model_type()
        ),
        advice: "llama.cpp's convert_hf_to_gguf.py may take the directory that `glpft export` writes",
    })
}

/// The model's positions; those within a window that programs disagree on.
fn context(config: &ModelConfig) -> usize {
    let disputed = config.disputed_window.unwrap_or(usize::MAX);
    config.max_positions.min(disputed)
}

/// The order that llama.cpp has a projection's rows in: for the first of its families it puts the rows of queries and
/// keys that rotate together side by side.
pub(super) fn order(config: &ModelConfig, form: &GgufForm, path: &str) -> Order {
    let heads = match path.rsplit_once('.') {
        Some((_, "q_proj")) => config.heads,
        Some((_, "k_proj")) => config.kv_heads,
        _ => return Order::AsTheyAre,
    };
    match form.pairs_together {
        true => Order::PairsTogether { heads },
        false => Order::AsTheyAre,
    }
}

fn tensors(
    config: &ModelConfig,
    form: &GgufForm,
    kind: GgufType,
) -> Result<Vec<GgufTensor>, GgufWriteError> {
    let mut tensors = rope::factors(config, form)?;
    for TensorShape { name, shape } in config.tensors() {
        let path = name.rsplit_once('.').map_or("", |(path, _)| path);
        if name.ends_with(".bias") && !has_bias(form, path) {
            return Err(GgufWriteError::Unsupported {
                what: format!("`{name}`"),
                advice: "llama.cpp's models of this family have biases on queries, keys and values alone",
            });
        }
        let is_norm = name.ends_with("norm.weight");
        tensors.push(GgufTensor {
            name: names::ggml(form, &name).ok_or_else(|| unnamed(&name))?,
            kind: match shape[..] {
                [_, width] => kind.for_rows_of(width),
                _ => GgufType::F32,
            },
            order: order(config, form, path),
            plus: f32::from(u8::from(form.norms_plus_one && is_norm)),
            values: Values::Named(name),
            shape,
        });
    }
    Ok(tensors)
}

pub(super) fn unnamed(name: &str) -> GgufWriteError {
    GgufWriteError::Unsupported {
        what: format!("`{name}`"),
        advice: "the layers' own weights can, and adapters to their projections; --merge makes one model of others",
    }
}

/// Whether llama.cpp's graph of the family has the bias; it does not open a file that has others.
fn has_bias(form: &GgufForm, path: &str) -> bool {
    let inputs = ["q_proj", "k_proj", "v_proj"];
    form.biases || inputs.iter().any(|name| path.ends_with(name))
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
