//! Generated tokens against those of whole passes without a cache, and against transformers'.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use glpft_checkpoints::{ModelConfig, ModelFiles, WeightsError};
use glpft_data::{Batch, Purpose, Random, TokenExample};
use glpft_model::generation::{
    GenerationError, Generator, GeneratorSettings, Sampling, TokenFinish, TokenRequest,
};
use glpft_model::{Decoder, Inputs, ModelError};
use glpft_recipes::LoraRecipe;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

const MODELS: [&str; 15] = [
    "smollm3",
    "granite",
    "granite-hybrid",
    "phi3",
    "gemma3",
    "mistral-window",
    "qwen2-window",
    "llama-yarn",
    "llama",
    "llama-rope-llama3",
    "mistral",
    "qwen2",
    "qwen2-untied",
    "qwen3",
    "qwen3-tied",
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn load(directory: &Path) -> Decoder {
    let config = ModelConfig::read(directory).expect("config.json");
    let files = ModelFiles::open(directory).expect("weights");
    let read = &mut |tensor: &glpft_checkpoints::TensorShape| {
        files
            .read_f32(&tensor.name, &tensor.shape)
            .map_err(Error::from)
    };
    Decoder::load(config, &Device::flex(), FloatDType::F32, read).expect("the model loads")
}

/// Puts a random adapter on two projections of each layer.
fn adapted(model: &Decoder, stream: u64) -> Decoder {
    let mut model = model.clone();
    let lora = LoraRecipe {
        rank: 4,
        alpha: 8.0,
        dropout: 0.1,
        target_modules: vec!["q_proj".to_owned(), "down_proj".to_owned()],
        ..LoraRecipe::default()
    };
    let mut random = Random::new(3, None, 0, Purpose::Synthetic).stream(stream);
    model
        .attach(&lora, &mut |tensor: &glpft_checkpoints::TensorShape| {
            random = random.stream(1);
            let mut values = vec![0.0; tensor.elements() as usize];
            random.fill_normal(0, &mut values);
            values.iter_mut().for_each(|value| *value *= 0.3);
            Ok::<_, Error>(values)
        })
        .expect("the adapter fits");
    model
}

/// `length` random tokens of a sequence.
fn text(stream: u64, length: usize, vocabulary: usize) -> Vec<u32> {
    let random = Random::new(9, None, 0, Purpose::Synthetic).stream(stream);
    (0..length as u64)
        .map(|index| random.below(vocabulary as u64, index) as u32)
        .collect()
}

/// A tree of prompts: beginnings shared by some, one prompt that is another's beginning, one twice, one alone.
fn prompts(vocabulary: usize) -> Vec<Vec<u32>> {
    let part = |stream, length| text(stream, length, vocabulary);
    let join = |parts: &[Vec<u32>]| parts.concat();
    let (a, b, c) = (part(0, 21), part(1, 9), part(2, 13));
    vec![
        join(&[a.clone(), b.clone()]),
        join(&[a.clone(), c.clone()]),
        a.clone(),
        join(&[a.clone(), b.clone(), part(3, 5)]),
        part(4, 1),
        join(&[a, b]),
        c,
    ]
}

fn request(model: usize, prompt: &[u32], new_tokens: usize) -> TokenRequest {
    TokenRequest {
        model,
        prompt: prompt.to_vec(),
        wakes_at: 0,
        new_tokens,
        ends: Vec::new(),
        vocabulary: usize::MAX,
        sampling: Sampling::Greedy,
    }
}

fn answer(generator: &mut Generator, requests: &[TokenRequest]) -> Vec<Vec<u32>> {
    let answers = generator
        .generate(requests, &mut |_, _| false)
        .expect("answers");
    answers.into_iter().map(|answer| answer.tokens).collect()
}

/// The likeliest next token, a whole pass for each.
fn without_cache(model: &Decoder, prompt: &[u32], new_tokens: usize) -> Vec<u32> {
    let mut tokens = prompt.to_vec();
    for _ in 0..new_tokens {
        let example = TokenExample {
            tokens: tokens.clone(),
            label_start: tokens.len(),
            role_start: 0,
            trajectory: 0,
            turn: 0,
        };
        let batch = Batch::rows(&[&example]);
        let inputs = Inputs::new(&batch, model.config(), model.device(), model.dtype());
        let last = TensorData::new(vec![tokens.len() as i64 - 1], [1]);
        let last = Tensor::<1, Int>::from_data(last, model.device());
        let logits = model.logits(&inputs.expect("valid tokens"), last);
        let logits = logits.into_data().try_to_vec::<f32>().expect("logits");
        let best = (0..logits.len()).fold(0, |best, id| match logits[id] > logits[best] {
            true => id,
            false => best,
        });
        tokens.push(best as u32);
    }
    tokens.split_off(prompt.len())
}

fn settings(batch: usize, pass_tokens: usize) -> GeneratorSettings {
    GeneratorSettings {
        batch,
        pass_tokens,
        ..GeneratorSettings::default()
    }
}

#[test]
fn the_cache_changes_nothing() {
    for name in MODELS {
        let model = load(&golden().join(name));
        let prompts = prompts(model.config().vocab_size);
        let expected: Vec<Vec<u32>> = prompts
            .iter()
            .map(|prompt| without_cache(&model, prompt, 8))
            .collect();
        let requests: Vec<TokenRequest> =
            prompts.iter().map(|prompt| request(0, prompt, 8)).collect();
        for (batch, pass_tokens) in [(32, 512), (1, 512), (3, 7), (32, 1)] {
            let mut generator = Generator::new(vec![model.clone()], settings(batch, pass_tokens));
            // The second time nearly everything is there.
            for time in 0..2 {
                let found = answer(&mut generator, &requests);
                assert_eq!(found, expected, "{name} {batch} {pass_tokens} {time}");
            }
        }
    }
}

#[test]
fn each_token_of_a_prefix_is_computed_once() {
    let model = load(&golden().join("llama"));
    let prompts = prompts(model.config().vocab_size);
    let requests: Vec<TokenRequest> = prompts.iter().map(|prompt| request(0, prompt, 2)).collect();
    let mut generator = Generator::new(vec![model], settings(32, 512));
    let mut cached = || -> Vec<usize> {
        let answers = generator
            .generate(&requests, &mut |_, _| false)
            .expect("answers");
        answers.iter().map(|answer| answer.cached_tokens).collect()
    };
    // All but the last token, whose output is asked for.
    assert_eq!(cached(), [0, 21, 20, 30, 0, 29, 0]);
    assert_eq!(cached(), [29, 33, 20, 34, 0, 29, 12]);
    generator.forget();
    assert_eq!(generator.kept_tokens(), 0);
}

#[test]
fn answers_are_part_of_what_is_kept() {
    let model = load(&golden().join("llama"));
    let prompt = text(0, 10, model.config().vocab_size);
    let mut generator = Generator::new(vec![model], settings(32, 512));
    let first = answer(&mut generator, &[request(0, &prompt, 5)]);
    let longer = [prompt, first[0].clone(), vec![1, 2]].concat();
    let answers = generator
        .generate(&[request(0, &longer, 1)], &mut |_, _| false)
        .expect("answers");
    // The answer's last token was chosen, but never read.
    assert_eq!(answers[0].cached_tokens, 14);
}

#[test]
fn little_memory_is_enough() {
    let model = load(&golden().join("llama"));
    let prompts = prompts(model.config().vocab_size);
    let requests: Vec<TokenRequest> = prompts.iter().map(|prompt| request(0, prompt, 8)).collect();
    let mut plenty = Generator::new(vec![model.clone()], settings(32, 512));
    let expected = answer(&mut plenty, &requests);
    let config = model.config();
    let token = 2 * config.layers * config.kv_heads * config.head_dim * 4;
    for tokens in [0, 1, 30, 43, 60, 100] {
        let settings = GeneratorSettings {
            cache_bytes: tokens * token,
            ..settings(32, 512)
        };
        let mut generator = Generator::new(vec![model.clone()], settings);
        for _ in 0..2 {
            assert_eq!(answer(&mut generator, &requests), expected, "{tokens}");
            // One request alone may take more than the limit, but nothing of that stays.
            let kept = generator.kept_tokens();
            assert!(kept <= tokens, "{tokens}: {kept}");
        }
    }
}

#[test]
fn adapters_answer_as_merged_models_do() {
    let model = load(&golden().join("llama"));
    let models = vec![model.clone(), adapted(&model, 1), adapted(&model, 2)];
    let prompts = prompts(model.config().vocab_size);
    let requests: Vec<TokenRequest> = (0..3 * prompts.len())
        .map(|at| request(at % 3, &prompts[at / 3], 8))
        .collect();
    let mut generator = Generator::new(models.clone(), settings(32, 512));
    let mixed = answer(&mut generator, &requests);
    for (which, mut model) in models.into_iter().enumerate() {
        model.merge();
        let mut merged = Generator::new(vec![model], settings(32, 512));
        let alone: Vec<TokenRequest> = prompts.iter().map(|prompt| request(0, prompt, 8)).collect();
        let found: Vec<Vec<u32>> = mixed.iter().skip(which).step_by(3).cloned().collect();
        assert_eq!(answer(&mut merged, &alone), found, "{which}");
    }
    assert_ne!(mixed[0], mixed[1]);
}

#[test]
fn random_answers_do_not_depend_on_the_batch() {
    let model = load(&golden().join("llama"));
    let prompts = prompts(model.config().vocab_size);
    let requests: Vec<TokenRequest> = prompts
        .iter()
        .enumerate()
        .map(|(at, prompt)| TokenRequest {
            sampling: Sampling::Random {
                temperature: 1.5,
                top_p: 0.95,
                top_k: Some(40),
                seed: at as u64,
            },
            ..request(0, prompt, 12)
        })
        .collect();
    let mut generator = Generator::new(vec![model.clone()], settings(32, 512));
    let together = answer(&mut generator, &requests);
    for (at, request) in requests.iter().enumerate() {
        let mut generator = Generator::new(vec![model.clone()], settings(32, 512));
        let alone = answer(&mut generator, std::slice::from_ref(request));
        assert_eq!(alone[0], together[at], "{at}");
    }
    // The same prompt with two seeds.
    assert_ne!(together[0], together[5]);
}

#[test]
fn answers_end() {
    let model = load(&golden().join("llama"));
    let prompt = text(7, 10, model.config().vocab_size);
    let mut generator = Generator::new(vec![model], settings(32, 512));
    let whole = answer(&mut generator, &[request(0, &prompt, 6)]).remove(0);
    let end = TokenRequest {
        ends: vec![whole[2]],
        ..request(0, &prompt, 6)
    };
    let first = whole.iter().position(|&token| token == whole[2]);
    let found = generator
        .generate(&[end], &mut |_, _| false)
        .expect("answers");
    assert_eq!(found[0].finish, TokenFinish::End);
    assert_eq!(Some(found[0].tokens.len() - 1), first);
    let requests = [request(0, &prompt, 6), request(0, &prompt, 0)];
    let found = generator
        .generate(&requests, &mut |request, answer| {
            assert_eq!(request, 0);
            answer.len() == 4
        })
        .expect("answers");
    assert_eq!(found[0].finish, TokenFinish::Watched);
    assert_eq!(found[0].tokens, whole[..4]);
    assert_eq!(found[1].finish, TokenFinish::Length);
    assert!(found[1].tokens.is_empty());
}

#[test]
fn bad_requests_are_told() {
    let model = load(&golden().join("llama"));
    let (vocabulary, positions) = (model.config().vocab_size, model.config().max_positions);
    let mut generator = Generator::new(vec![model], settings(32, 512));
    let good = request(0, &[1], 1);
    let mut fails = |bad: TokenRequest| {
        generator
            .generate(&[good.clone(), bad], &mut |_, _| false)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let error = fails(request(0, &[], 1));
    assert!(error.contains("request 1: the prompt is empty"), "{error}");
    let error = fails(request(0, &vec![1; positions + 1], 1));
    assert!(error.contains("positions at most"), "{error}");
    let error = fails(request(0, &[vocabulary as u32], 1));
    assert!(error.contains("outside the model's vocabulary"), "{error}");
    let error = fails(TokenRequest {
        sampling: Sampling::Random {
            temperature: 0.0,
            top_p: 1.0,
            top_k: None,
            seed: 0,
        },
        ..request(0, &[1], 1)
    });
    assert!(error.contains("temperature"), "{error}");
    // A prompt that fills the model leaves one token to choose.
    let full = generator
        .generate(&[request(0, &vec![1; positions], 9)], &mut |_, _| false)
        .expect("an answer");
    assert_eq!(full[0].tokens.len(), 1);
    assert!(matches!(full[0].finish, TokenFinish::Length));
}

#[test]
fn damaged_weights_are_told() {
    let mut model = load(&golden().join("llama"));
    struct Damage;
    impl glpft_model::ParameterVisitor for Damage {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut glpft_model::Parameter<D>) {
            if path == "model.norm.weight" {
                parameter.set(parameter.value() * f32::NAN);
            }
        }
    }
    model.visit_all(&mut Damage);
    let mut generator = Generator::new(vec![model], settings(32, 512));
    let found = generator.generate(&[request(0, &[1, 2], 1)], &mut |_, _| false);
    assert!(matches!(
        found,
        Err(GenerationError::NotANumber { index: 0 })
    ));
    assert_eq!(generator.kept_tokens(), 0);
}
