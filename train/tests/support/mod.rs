//! A tiny model and random trajectories.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType};
use glpft_checkpoints::{ModelConfig, ModelFiles, TensorShape, WeightsError};
use glpft_data::{Purpose, Random, TokenExample};
use glpft_model::{Decoder, ModelError};
use glpft_recipes::{
    Backward, FrozenWeights, LoraRecipe, Moments, Schedule, StageRecipe, StartFrom, Tune,
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

pub mod stages;
pub mod trace;

fn golden(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(family)
}

/// The configuration of a golden model.
pub fn config(family: &str) -> ModelConfig {
    ModelConfig::read(&golden(family)).expect("config.json")
}

/// A model of that configuration with random weights: every matrix is such that activations neither grow nor fade.
pub fn random_model(config: ModelConfig, dtype: FloatDType) -> Decoder {
    frozen_model(config, dtype, FrozenWeights::default())
}

/// The same, with weights held as `frozen` has it.
pub fn frozen_model(config: ModelConfig, dtype: FloatDType, frozen: FrozenWeights) -> Decoder {
    changed_model(config, dtype, frozen, &|_, _| {})
}

/// The same with values that `change` has changed, which gets a tensor's name and its values.
pub fn changed_model(
    config: ModelConfig,
    dtype: FloatDType,
    frozen: FrozenWeights,
    change: &dyn Fn(&str, &mut [f32]),
) -> Decoder {
    let mut stream = 0;
    Decoder::load_frozen(
        config,
        &Device::flex(),
        dtype,
        frozen,
        &mut |tensor: &TensorShape| {
            stream += 1;
            let random = Random::new(4, None, 0, Purpose::Synthetic).stream(stream);
            let (mean, deviation) = match tensor.shape[..] {
                [_] => (1.0, 0.1),
                [.., inputs] => (0.0, (inputs as f64).powf(-0.5)),
                [] => (0.0, 0.0),
            };
            let draw = |index| (mean + deviation * random.normal(index)) as f32;
            let mut values: Vec<f32> = (0..tensor.elements()).map(draw).collect();
            change(&tensor.name, &mut values);
            Ok::<_, Error>(values)
        },
    )
    .expect("the model loads")
}

/// A golden model of the repository.
pub fn model(family: &str, dtype: FloatDType) -> Decoder {
    load(&golden(family), dtype)
}

/// The same on another device, in single precision.
pub fn model_on(family: &str, device: &Device) -> Decoder {
    load_on(&golden(family), FloatDType::F32, device)
}

/// The model of a Hugging Face directory.
pub fn load(directory: &Path, dtype: FloatDType) -> Decoder {
    load_on(directory, dtype, &Device::flex())
}

fn load_on(directory: &Path, dtype: FloatDType, device: &Device) -> Decoder {
    let config = ModelConfig::read(directory).expect("config.json");
    let files = ModelFiles::open(directory).expect("weights");
    Decoder::load(config, device, dtype, &mut |tensor: &TensorShape| {
        files
            .read_f32(&tensor.name, &tensor.shape)
            .map_err(Error::from)
    })
    .expect("the model loads")
}

/// Puts adapters whose both matrices are random on every projection.
pub fn attach(model: &mut Decoder, dropout: f64) {
    let names = model.config().projection_names();
    let lora = LoraRecipe {
        dropout,
        target_modules: names.into_iter().map(str::to_owned).collect(),
        ..recipe().lora
    };
    attach_lora(model, &lora);
}

/// The same of any shape.
pub fn attach_lora(model: &mut Decoder, lora: &LoraRecipe) {
    let mut stream = 0;
    model
        .attach(lora, &mut |tensor: &TensorShape| {
            stream += 1;
            let random = Random::new(3, None, 0, Purpose::Synthetic).stream(stream);
            let size = tensor.elements();
            Ok::<_, Error>(
                (0..size)
                    .map(|index| 0.1 * random.normal(index) as f32)
                    .collect(),
            )
        })
        .expect("adapters fit");
}

/// Settings of a short stage.
pub fn recipe() -> StageRecipe {
    StageRecipe {
        from: StartFrom::Base,
        frozen: FrozenWeights::default(),
        tune: Tune::Full,
        lora: LoraRecipe {
            rank: 2,
            alpha: 4.0,
            dropout: 0.0,
            target_modules: [
                "q_proj",
                "k_proj",
                "v_proj",
                "o_proj",
                "gate_proj",
                "up_proj",
                "down_proj",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..LoraRecipe::default()
        },
        epochs: 2,
        lr: 1e-2,
        warmup_ratio: 0.2,
        weight_decay: 0.01,
        schedule: Schedule::Cosine,
        batch: 4,
        micro_batch_tokens: 60,
        recompute: 0,
        backward: Backward::Whole,
        max_length: 64,
        precision: glpft_recipes::Precision::F32,
        clip_norm: 1.0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        moments: Moments::F32,
        eval_every: 3,
        checkpoint_every: 0,
        keep_checkpoints: 2,
        keep_best: false,
        on_not_finite: glpft_recipes::OnNotFinite::Stop,
        max_not_finite: 3,
        max_steps: None,
    }
}

/// Trajectories whose examples share growing prefixes, as the steps of a conversation do.
pub fn examples(trajectories: u32, vocabulary: u64) -> Vec<TokenExample> {
    let mut examples = Vec::new();
    for trajectory in 0..trajectories {
        let random = Random::new(5, None, 0, Purpose::Synthetic).stream(u64::from(trajectory));
        let mut drawn = 0;
        let mut draw = |bound: u64| {
            drawn += 1;
            random.below(bound, drawn)
        };
        let mut history: Vec<u32> = (0..5 + draw(8)).map(|_| draw(vocabulary) as u32).collect();
        for turn in 0..1 + draw(4) as u32 {
            let mut tokens = history.clone();
            // Every second step asks for something after the history that the next step does not repeat.
            if turn % 2 == 1 {
                tokens.extend((0..3).map(|_| draw(vocabulary) as u32));
            }
            let label_start = tokens.len();
            tokens.extend((0..2 + draw(5)).map(|_| draw(vocabulary) as u32));
            if turn % 2 == 0 {
                history = tokens.clone();
            }
            history.extend((0..draw(6)).map(|_| draw(vocabulary) as u32));
            examples.push(TokenExample {
                tokens,
                label_start,
                role_start: 0,
                trajectory,
                turn,
            });
        }
    }
    examples
}
