//! Writes small models of every family, whole and sharded, and an adapter, for
//! `tests/interop/check.py` to open with transformers and PEFT.
//!
//! `cargo run -p glpft-checkpoints --example interop -- FOLDER [TOKENIZER_JSON]`

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    AdapterConfig, AdapterDirectory, Architecture, FloatType, ModelCard, ModelConfig,
    ModelDirectory, ModelFiles, SpecialTokens, TokenizerSource, fingerprint,
};
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let tokenizer = match arguments.next() {
        Some(path) => fs::read(path)?,
        None => b"{}".to_vec(),
    };
    for architecture in FAMILIES {
        for (kind, dtype, shard_bytes) in [
            ("f32", FloatType::F32, 1 << 30),
            ("bf16-sharded", FloatType::Bf16, 20_000),
            ("f16", FloatType::F16, 1 << 30),
        ] {
            let path = format!("{folder}/{}-{kind}", architecture.model_type());
            write(
                Path::new(&path),
                &config(architecture)?,
                dtype,
                shard_bytes,
                &tokenizer,
            )?;
        }
    }
    adapter(Path::new(&folder))
}

/// The families that transformers 4.45 knows in this form.
const FAMILIES: [Architecture; 4] = [
    Architecture::Llama,
    Architecture::Mistral,
    Architecture::Qwen2,
    Architecture::Qwen3,
];

fn config(architecture: Architecture) -> Result<ModelConfig, Failure> {
    let mut json = json!({
        "model_type": architecture.model_type(),
        "vocab_size": 64,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 128,
        "sliding_window": null,
        "eos_token_id": [2, 3],
        "tie_word_embeddings": architecture == Architecture::Qwen2,
    });
    match architecture {
        Architecture::Llama => {
            json["attention_bias"] = true.into();
            json["mlp_bias"] = true.into();
            json["rope_theta"] = 500_000.0.into();
            json["rope_scaling"] = json!({
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 64
            });
        }
        Architecture::Mistral => {
            json["rope_parameters"] = json!({
                "rope_type": "linear", "factor": 2.0, "rope_theta": 20_000.0
            });
        }
        Architecture::Qwen2 => {
            // transformers 4.45 has no other for this family.
            json["head_dim"] = 4.into();
            json["rope_theta"] = 1e6.into();
        }
        _ => json["rope_theta"] = 1e6.into(),
    }
    Ok(ModelConfig::from_json(json)?)
}

fn write(
    path: &Path,
    config: &ModelConfig,
    dtype: FloatType,
    shard_bytes: u64,
    tokenizer: &[u8],
) -> Result<(), Failure> {
    let special = SpecialTokens {
        eos: Some("</s>".into()),
        pad: Some("</s>".into()),
        ..SpecialTokens::default()
    };
    let directory = ModelDirectory {
        config,
        dtype,
        shard_bytes,
        tokenizer: TokenizerSource::Made {
            json: tokenizer,
            special: &special,
            chat_template: None,
        },
        card: &ModelCard::default(),
    };
    let tensors = config.tensors();
    let mut read = |name: &str| {
        let tensor = tensors.iter().find(|tensor| tensor.name == name);
        Ok::<_, Failure>(values(tensor.ok_or("unknown")?.elements(), name))
    };
    Ok(directory.write(path, &mut read)?)
}

fn adapter(folder: &Path) -> Result<(), Failure> {
    let base = folder.join("llama-f32");
    let model = ModelConfig::read(&base)?;
    let config = AdapterConfig {
        rank: 4,
        alpha: 8.0,
        target_modules: ["q_proj", "v_proj", "down_proj"].into_iter().collect(),
        base: "../llama-f32".into(),
        ..AdapterConfig::default()
    };
    let tensors = config.tensors(&model)?;
    let directory = AdapterDirectory {
        config: &config,
        model: &model,
        base_fingerprint: &fingerprint(&model, &ModelFiles::open(&base)?)?,
        base_beside: None,
        beside: &[],
        dtype: FloatType::F32,
        tokenizer: None,
        card: None,
    };
    let mut read = |name: &str| {
        let tensor = tensors.iter().find(|tensor| tensor.name == name);
        Ok::<_, Failure>(values(tensor.ok_or("unknown")?.elements(), name))
    };
    Ok(directory.write(&folder.join("adapter"), &mut read)?)
}

/// `check.py` makes the same.
fn values(elements: u64, name: &str) -> Vec<f32> {
    let start = name.len() as u64;
    (0..elements)
        .map(|index| ((index * 37 + start * 11) % 101) as f32 / 101.0 - 0.5)
        .collect()
}
