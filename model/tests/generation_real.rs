//! Greedy answers to real prompts against transformers', kept in `tests/golden` of the repository.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType};
use glpft_checkpoints::{ModelConfig, ModelFiles, TensorShape};
use glpft_data::{PromptTokenizer, SegmentCache, Text};
use glpft_model::Decoder;
use glpft_model::generation::{Generator, GeneratorSettings, Sampling, TokenRequest};
use glpft_recipes::Separators;
use serde_json::Value;

type Error = Box<dyn std::error::Error>;

/// The facts of `GLPFT_GREEDY`, or those of the repository.
fn facts() -> PathBuf {
    match std::env::var_os("GLPFT_GREEDY") {
        Some(path) => path.into(),
        None => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/smollm2-135m-greedy.json")
        }
    }
}

fn read(path: &Path) -> Result<Value, Error> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn number(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

#[test]
fn real_prompts_are_answered_as_transformers_does() -> Result<(), Error> {
    let [Some(models), Some(fixtures)] = ["GLPFT_MODELS", "GLPFT_FIXTURES"].map(std::env::var_os)
    else {
        println!("skipped: GLPFT_MODELS and GLPFT_FIXTURES are not set");
        return Ok(());
    };
    let facts = read(&facts())?;
    let directory = Path::new(&models).join(facts["model"].as_str().expect("a name"));
    let fixtures = Path::new(&fixtures).join("data/alpha-umi/train-example");
    if !directory.is_dir() || !fixtures.is_dir() {
        println!("skipped: there is no {}", directory.display());
        return Ok(());
    }
    let tokenizer = PromptTokenizer::from_path(&directory)?;
    let config = ModelConfig::read(&directory)?;
    let files = ModelFiles::open(&directory)?;
    let ends = config.eos.clone();
    let source = &mut |tensor: &TensorShape| -> Result<Vec<f32>, Error> {
        Ok(files.read_f32(&tensor.name, &tensor.shape)?)
    };
    let model = Decoder::load(config, &Device::flex(), FloatDType::F32, source)?;

    let mut requests = Vec::new();
    let mut cache = SegmentCache::default();
    let prompts = facts["prompts"].as_array().expect("prompts");
    for fact in prompts {
        let examples = read(&fixtures.join(fact["file"].as_str().expect("a file")))?;
        let input = examples[number(&fact["index"])]["input"].as_str();
        let mut text = Text::new();
        text.push("system: ");
        for (at, piece) in input.expect("a prompt").split("</s>").enumerate() {
            if at > 0 {
                text.separate();
            }
            text.push(piece);
        }
        let mut prompt = tokenizer.encode_cached(&text, Separators::Eos, &mut cache)?;
        assert_eq!(prompt.len(), number(&fact["length"]), "{fact}");
        let cut = prompt.len().saturating_sub(number(&facts["prompt_tokens"]));
        prompt.drain(..cut);
        requests.push(TokenRequest {
            wakes_at: 0,
            model: 0,
            prompt,
            new_tokens: number(&facts["new_tokens"]),
            ends: ends.clone(),
            vocabulary: tokenizer.vocab_size(),
            sampling: Sampling::Greedy,
        });
    }
    let mut generator = Generator::new(vec![model], GeneratorSettings::default());
    let answers = generator.generate(&requests, &mut |_, _| false)?;
    let (mut tokens, mut differing) = (0, Vec::new());
    for (fact, answer) in prompts.iter().zip(answers) {
        let ids = fact["ids"].as_array().expect("ids").iter();
        let expected: Vec<u32> = ids.map(|id| number(id) as u32).collect();
        tokens += expected.len();
        if answer.tokens != expected {
            let same = answer.tokens.iter().zip(&expected);
            let same = same.take_while(|(found, expected)| found == expected);
            differing.push(format!(
                "{} {}: from token {} on",
                fact["file"],
                fact["index"],
                same.count()
            ));
        }
    }
    println!("{} prompts, {tokens} tokens", prompts.len());
    assert!(differing.is_empty(), "{differing:#?}");
    Ok(())
}
