//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::env;
use std::path::{Path, PathBuf};

use glpft_checkpoints::ModelConfig;
use serde_json::{Value, json};

/// The folder `name` among the external models, or `None` after saying that it is skipped.
#[allow(clippy::print_stderr, reason = "a test that skips itself says so")]
pub fn model(name: &str) -> Option<PathBuf> {
    let fixtures = || match env::var_os("GLPFT_FIXTURES") {
        Some(fixtures) => PathBuf::from(fixtures),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let models = match env::var_os("GLPFT_MODELS") {
        Some(models) => PathBuf::from(models),
        None => fixtures().join("models"),
    };
    let found = models.join(name);
    if found.is_dir() {
        return Some(found);
    }
    eprintln!("skipped: no model at {}", found.display());
    None
}

/// A `config.json` as small as one can be.
pub fn tiny_json() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 32,
        "hidden_size": 8,
        "intermediate_size": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": true,
        "bos_token_id": 1,
        "eos_token_id": 2
    })
}

/// The configuration of [`tiny_json`].
pub fn tiny() -> ModelConfig {
    ModelConfig::from_json(tiny_json()).expect("the configuration is whole")
}

/// [`tiny_json`] with `key` set to `value`.
pub fn tiny_with(key: &str, value: Value) -> Value {
    let mut json = tiny_json();
    json[key] = value;
    json
}

/// Different but repeatable values for the tensor `name`.
pub fn values(name: &str, elements: u64) -> Vec<f32> {
    let seed = name
        .bytes()
        .fold(7_u32, |seed, byte| seed.wrapping_mul(31) + u32::from(byte));
    let value = |index: u64| {
        let bits = (seed ^ index as u32).wrapping_mul(0x9e37_79b9);
        (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..elements).map(value).collect()
}
