//! Logits against those of transformers, kept in `tests/golden` of the repository.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use glpft_checkpoints::{ModelConfig, ModelFiles, WeightsError};
use glpft_data::{Batch, TokenExample};
use glpft_model::generation::{Generator, GeneratorSettings, Sampling, TokenRequest};
use glpft_model::{Decoder, Inputs, ModelError, Parameter, ParameterVisitor, Trained};
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

/// Of each gradient the norm, and every `step`-th element.
struct Compare<'a> {
    graph: burn::tensor::Gradients,
    expected: &'a Value,
    step: usize,
    compared: usize,
    largest: (f64, String),
}

impl ParameterVisitor for Compare<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let found = parameter.value().grad(&self.graph).expect("a gradient");
        let found: Vec<f64> = found.into_data().iter::<f64>().collect();
        let wanted = &self.expected[path];
        let norm = wanted["norm"].as_f64().expect("transformers has it");
        let found_norm = found.iter().map(|one| one * one).sum::<f64>().sqrt();
        let mut worst = (found_norm - norm).abs();
        let values = wanted["values"].as_array().expect("values");
        assert_eq!(values.len(), found.len().div_ceil(self.step), "{path}");
        for (found, wanted) in found.iter().step_by(self.step).zip(values) {
            worst = worst.max((found - wanted.as_f64().expect("a number")).abs());
        }
        let worst = worst / norm.max(1e-3);
        if worst > self.largest.0 {
            self.largest = (worst, path.to_owned());
        }
        self.compared += 1;
    }
}

#[test]
fn tiny_models_of_each_family_train_and_answer_as_in_transformers() {
    let (mut families, mut answered) = (0, 0);
    for entry in std::fs::read_dir(golden()).expect("tests/golden") {
        let directory = entry.expect("an entry").path();
        if !directory.join("training.json").exists() {
            continue;
        }
        families += 1;
        let name = directory.display();
        let expected = read(&directory.join("training.json"));
        let ids = read(&directory.join("expected.json"))["ids"].clone();
        let rows: Vec<TokenExample> = ids
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| TokenExample {
                tokens: tokens(row),
                label_start: 1,
                role_start: 0,
                trajectory: 0,
                turn: 0,
            })
            .collect();
        let batch = Batch::rows(&rows.iter().collect::<Vec<_>>());
        let mut model = load(&directory);
        model.train(Trained::All);
        let inputs = Inputs::new(&batch, model.config(), model.device(), model.dtype());
        let loss = model.loss(&inputs.expect("valid tokens"), None);
        let loss = loss.expect("targets") / batch.label_tokens as f64;
        let found = loss.clone().into_data().iter::<f64>().sum::<f64>();
        let wanted = expected["loss"].as_f64().expect("a loss");
        assert!(
            (found - wanted).abs() <= 1e-4 * wanted,
            "{name}: {found} {wanted}"
        );
        let mut compare = Compare {
            graph: loss.backward(),
            expected: &expected["gradients"],
            step: expected["step"].as_u64().expect("a step") as usize,
            compared: 0,
            largest: (0.0, String::new()),
        };
        model.visit_all(&mut compare);
        let all = expected["gradients"].as_object().expect("gradients").len();
        let Compare {
            compared, largest, ..
        } = compare;
        println!("{name}: loss {found:.5}, largest difference of a gradient {largest:?}");
        assert_eq!(compared, all, "{name}");
        assert!(largest.0 <= 1e-4, "{name}: {largest:?}");
        if expected["greedy"].is_null() {
            continue;
        }
        answered += 1;
        let mut generator = Generator::new(vec![model.frozen()], GeneratorSettings::default());
        let wanted = tokens(&expected["greedy"]);
        let request = TokenRequest {
            wakes_at: 0,
            model: 0,
            prompt: tokens(&expected["prompt"]),
            new_tokens: wanted.len(),
            ends: Vec::new(),
            vocabulary: usize::MAX,
            sampling: Sampling::Greedy,
        };
        let answers = generator.generate(&[request], &mut |_, _| false);
        assert_eq!(answers.expect("an answer")[0].tokens, wanted, "{name}");
    }
    assert!(families >= 17 && answered >= 15, "{families} {answered}");
}
