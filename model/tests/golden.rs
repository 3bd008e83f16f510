//! Logits against those of transformers, kept in `tests/golden` of the repository.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use glpft_checkpoints::{ModelConfig, ModelFiles, WeightsError};
use glpft_data::{Batch, TokenExample};
use glpft_model::{Decoder, Inputs, ModelError};
use serde_json::Value;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn load(directory: &Path) -> Decoder {
    let config = ModelConfig::read(directory).expect("config.json");
    let files = ModelFiles::open(directory).expect("weights");
    files
        .check(&config)
        .expect("the weights fit the configuration");
    let read = &mut |tensor: &glpft_checkpoints::TensorShape| {
        files
            .read_f32(&tensor.name, &tensor.shape)
            .map_err(Error::from)
    };
    Decoder::load(config, &Device::flex(), FloatDType::F32, read).expect("the model loads")
}

/// Logits of every position of every row, in order: one batch holds all rows.
fn logits(model: &Decoder, rows: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let examples: Vec<TokenExample> = rows
        .iter()
        .map(|tokens| TokenExample {
            tokens: tokens.clone(),
            label_start: 1,
            role_start: 0,
            trajectory: 0,
            turn: 0,
        })
        .collect();
    let batch = Batch::rows(&examples.iter().collect::<Vec<_>>());
    let inputs =
        Inputs::new(&batch, model.config(), model.device(), model.dtype()).expect("valid tokens");
    let all: Vec<i64> = (0..batch.len() as i64).collect();
    let all = Tensor::<1, Int>::from_data(TensorData::new(all, [batch.len()]), model.device());
    let values = model
        .logits(&inputs, all)
        .into_data()
        .try_to_vec::<f32>()
        .expect("f32 logits");
    values
        .chunks(model.config().vocab_size)
        .map(<[f32]>::to_vec)
        .collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a golden file")).expect("JSON")
}

fn tokens(value: &Value) -> Vec<u32> {
    let ids = value.as_array().expect("a list of ids");
    ids.iter()
        .map(|id| id.as_u64().expect("an id") as u32)
        .collect()
}

#[test]
fn tiny_models_of_each_family_have_the_logits_of_transformers() {
    let mut families = 0;
    for entry in std::fs::read_dir(golden()).expect("tests/golden") {
        let directory = entry.expect("an entry").path();
        if !directory.join("config.json").exists() {
            continue;
        }
        families += 1;
        let expected = read(&directory.join("expected.json"));
        let rows: Vec<Vec<u32>> = expected["ids"]
            .as_array()
            .expect("rows")
            .iter()
            .map(tokens)
            .collect();
        let found = logits(&load(&directory), &rows);
        let wanted = expected["logits"].as_array().expect("logits");
        let wanted = wanted
            .iter()
            .flat_map(|row| row.as_array().expect("positions"));
        let mut largest = 0f64;
        for (found, wanted) in found.iter().zip(wanted) {
            for (found, wanted) in found.iter().zip(wanted.as_array().expect("a vocabulary")) {
                let difference = (f64::from(*found) - wanted.as_f64().expect("a logit")).abs();
                largest = largest.max(difference);
            }
        }
        println!("{}: largest difference {largest:.2e}", directory.display());
        assert!(largest <= 1e-4, "{}: {largest}", directory.display());
    }
    assert!(families >= 6, "only {families} golden models");
}

#[test]
fn a_real_model_has_the_logits_of_transformers() {
    let fixtures = std::env::var_os("GLPFT_FIXTURES").map(PathBuf::from);
    let fixtures =
        fixtures.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let models = std::env::var_os("GLPFT_MODELS").map(PathBuf::from);
    let directory = models
        .unwrap_or_else(|| fixtures.join("models"))
        .join("smollm2-135m-instruct");
    if !directory.join("model.safetensors").exists() {
        println!("skipped: no SmolLM2-135M at {}", directory.display());
        return;
    }
    let expected = read(&golden().join("smollm2-135m.json"));
    let texts = expected["texts"].as_array().expect("texts");
    let rows: Vec<Vec<u32>> = texts.iter().map(|text| tokens(&text["ids"])).collect();
    let stride = expected["stride"].as_u64().expect("a stride") as usize;
    let found = logits(&load(&directory), &rows);
    let wanted = texts.iter().flat_map(|text| {
        text["logits"]
            .as_array()
            .expect("logits")
            .iter()
            .enumerate()
    });
    let mut largest = 0f64;
    for (found, (position, wanted)) in found.iter().zip(wanted) {
        for (index, wanted) in wanted
            .as_array()
            .expect("sampled logits")
            .iter()
            .enumerate()
        {
            let token = position % stride + index * stride;
            let difference = (f64::from(found[token]) - wanted.as_f64().expect("a logit")).abs();
            largest = largest.max(difference);
        }
    }
    println!("SmolLM2-135M: largest difference {largest:.2e}");
    assert!(largest <= 1e-3, "{largest}");
}
