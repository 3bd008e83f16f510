//! The fast layouts and the memory settings on a real model and real trajectories, in single precision.
//!
//! `GLPFT_FIXTURES` (by default `shared` beside the repository) holds the trajectories, `GLPFT_MODELS` (by default
//! `models` among the fixtures) holds `smollm2-135m-instruct`; what is absent is skipped.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::FloatDType;
use glpft_data::{Batch, PromptTokenizer, Text, TokenExample};
use glpft_model::Trained;
use glpft_recipes::{Backward, LoraRecipe, Packing, Separators, StageRecipe, Tune};
use support::trace::{Trace, trace};
use support::{attach_lora, load, recipe};

const LOSS: f64 = 1e-5;
const GRADIENT: f64 = 1e-4;

/// Tokens of a trajectory before its first answer, and of an example at most.
const BEFORE: usize = 200;
const LONGEST: usize = 400;

fn files() -> Option<(PathBuf, PathBuf)> {
    let shared = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let fixtures = std::env::var_os("GLPFT_FIXTURES").map_or_else(shared, PathBuf::from);
    let models = std::env::var_os("GLPFT_MODELS");
    let models = models.map_or_else(|| fixtures.join("models"), PathBuf::from);
    let data = fixtures.join("data/alpha-umi/train-example/train_planner.json");
    let model = models.join("smollm2-135m-instruct");
    for path in [&data, &model.join("model.safetensors")] {
        if !path.exists() {
            println!("skipped: not found: {}", path.display());
            return None;
        }
    }
    Some((data, model))
}

/// The ends of two real trajectories with several short steps each.
fn examples(data: &Path, tokenizer: &PromptTokenizer) -> Vec<TokenExample> {
    let text = std::fs::read_to_string(data).expect("a file");
    let records: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let encode = |text: &str| {
        let mut cut = Text::new();
        cut.push(text);
        tokenizer.encode(&cut, Separators::Eos).expect("tokens")
    };
    let mut trajectories: HashMap<String, u32> = HashMap::new();
    let mut steps: Vec<Vec<TokenExample>> = Vec::new();
    for record in &records {
        let next = steps.len() as u32;
        let key = format!("{} {}", record["tools"], record["history"][0]);
        let trajectory = *trajectories.entry(key).or_insert(next);
        if trajectory == next {
            steps.push(Vec::new());
        }
        let mut tokens = encode(record["input"].as_str().expect("an input"));
        let label_start = tokens.len();
        tokens.extend(encode(record["target"].as_str().expect("a target")));
        let steps = &mut steps[trajectory as usize];
        // All of a trajectory begin where its first one does.
        let first = steps.first().map_or(0, |first| first.turn as usize);
        let skip = match steps.is_empty() {
            true => label_start.saturating_sub(BEFORE),
            false => first,
        };
        if label_start > skip && tokens.len() - skip <= LONGEST {
            steps.push(TokenExample {
                tokens: tokens.split_off(skip),
                label_start: label_start - skip,
                role_start: 0,
                trajectory,
                turn: skip as u32,
            });
        }
    }
    steps
        .into_iter()
        .filter(|steps| steps.len() > 1)
        .take(2)
        .flatten()
        .collect()
}

#[test]
fn a_real_model_learns_the_same_however_it_is_computed() {
    let Some((data, directory)) = files() else {
        return;
    };
    let tokenizer = PromptTokenizer::from_path(&directory).expect("a tokenizer");
    let examples = examples(&data, &tokenizer);
    let sharing = Batch::tree(&examples.iter().collect::<Vec<_>>()).sharing();
    println!("{} examples, sharing {sharing:.2}", examples.len());
    assert!(examples.len() >= 4 && sharing > 1.2);
    for tune in [Tune::Full, Tune::Lora] {
        let train = |packing, recompute, backward| {
            let mut model = load(&directory, FloatDType::F32);
            let lora = LoraRecipe {
                rank: 16,
                alpha: 1.0,
                ..recipe().lora
            };
            match tune {
                Tune::Full => model.train(Trained::All),
                Tune::Lora => {
                    attach_lora(&mut model, &lora);
                    model.train(Trained::Adapters);
                }
            }
            let recipe = StageRecipe {
                tune,
                lora,
                recompute,
                backward,
                lr: 1e-5,
                warmup_ratio: 0.0,
                batch: examples.len(),
                micro_batch_tokens: 600,
                max_steps: Some(1),
                ..recipe()
            };
            trace(&mut model, &recipe, packing, &examples).expect("trains")
        };
        let tree = train(Packing::Tree, 0, Backward::Whole);
        println!("{tune}: loss {:?}, norm {:?}", tree.losses, tree.norms);
        let check = |what: &str, found: Trace| {
            let (loss, gradient) = (
                found.loss_difference(&tree),
                found.gradient_difference(&tree),
            );
            println!("{tune}: {what}: {loss:?}, {gradient:?}");
            assert!(loss.0 <= LOSS, "{tune}: {what}: {loss:?}");
            assert!(gradient.0 <= GRADIENT, "{tune}: {what}: {gradient:?}");
        };
        if tune == Tune::Full {
            check("plain rows", train(Packing::Rows, 0, Backward::Whole));
        }
        check("recomputed", train(Packing::Tree, 1, Backward::Whole));
        check("layer-wise", train(Packing::Tree, 0, Backward::LayerWise));
    }
}
