//! Adapters that wake at their role's text: PEFT's activated LoRA, and trunk and branches against plain rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, FloatDType, Gradients, Int, Tensor, TensorData};
use glpft_checkpoints::{ModelConfig, ModelFiles, SafetensorsFile, TensorShape, WeightsError};
use glpft_data::{Batch, Purpose, Random, TokenExample, Trunk};
use glpft_model::generation::{Generator, GeneratorSettings, Sampling, TokenRequest};
use glpft_model::{Decoder, Inputs, ModelError, Parameter, ParameterVisitor, Trained};
use glpft_recipes::LoraRecipe;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// `WAKING_IDS`, `STARTS` and the length of `INVOCATION` of `tests/golden/adapters.py`.
const IDS: [[u32; 9]; 2] = [
    [1, 7, 46, 3, 5, 29, 11, 0, 40],
    [1, 7, 46, 31, 2, 3, 5, 22, 9],
];
const STARTS: [usize; 2] = [3, 5];
const INVOCATION: usize = 2;
const VOCABULARY: usize = 48;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn load(family: &str, dtype: FloatDType) -> Decoder {
    let directory = golden().join(family);
    let config = ModelConfig::read(&directory).expect("config.json");
    let files = ModelFiles::open(&directory).expect("weights");
    let read = &mut |tensor: &TensorShape| {
        files
            .read_f32(&tensor.name, &tensor.shape)
            .map_err(Error::from)
    };
    Decoder::load(config, &Device::flex(), dtype, read).expect("the model loads")
}

/// Adapters on every projection, of whatever `read` gives.
fn attach(
    model: &mut Decoder,
    mut read: impl FnMut(&TensorShape) -> Result<Vec<f32>, WeightsError>,
) {
    let lora = LoraRecipe {
        rank: 3,
        alpha: 6.0,
        dropout: 0.0,
        wake: true,
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
    };
    let attached = model.attach(&lora, &mut |tensor| Ok::<_, Error>(read(tensor)?));
    attached.expect("adapters fit");
}

fn random(seed: u64) -> impl FnMut(&TensorShape) -> Result<Vec<f32>, WeightsError> {
    let mut stream = 0;
    move |tensor| {
        stream += 1;
        let random = Random::new(seed, None, 0, Purpose::Synthetic).stream(stream);
        let size = tensor.shape.iter().product::<usize>() as u64;
        Ok((0..size)
            .map(|index| 0.2 * random.normal(index) as f32)
            .collect())
    }
}

fn example(tokens: &[u32], role_start: usize, label_start: usize) -> TokenExample {
    TokenExample {
        tokens: tokens.to_vec(),
        label_start,
        role_start,
        trajectory: 0,
        turn: 0,
    }
}

fn inputs(model: &Decoder, examples: &[&TokenExample]) -> Inputs {
    let trunk = Arc::new(Trunk::of(examples.iter().copied()));
    let batch = Batch::branches(examples, &trunk);
    model.inputs(&batch, None).expect("valid tokens")
}

fn values(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Of every token of the branches, `[tokens, vocabulary]`.
fn logits(model: &Decoder, inputs: &Inputs) -> Vec<f64> {
    let all: Vec<i64> = (0..inputs.tokens.dims()[0] as i64).collect();
    let all = TensorData::from(all.as_slice());
    values(model.logits(inputs, Tensor::<1, Int>::from_data(all, model.device())))
}

/// The largest difference, beside the largest of the values where that is above one.
fn largest(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let scale = wanted.iter().fold(1.0, |all: f64, one| all.max(one.abs()));
    let pairs = found.iter().zip(wanted);
    pairs.fold(0.0, |most: f64, (one, other)| most.max((one - other).abs())) / scale
}

/// Every adapter matrix's gradient.
fn gradients(model: &mut Decoder, graph: Gradients) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    struct Take(Gradients, Vec<(String, Vec<usize>, Vec<f64>)>);
    impl ParameterVisitor for Take {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if let Some(found) = parameter.value().grad(&self.0) {
                let shape = found.dims().to_vec();
                let found = found.into_data().iter::<f64>().collect();
                self.1.push((path.to_owned(), shape, found));
            }
        }
    }
    let mut take = Take(graph, Vec::new());
    model.visit_all(&mut take);
    take.1
}

#[test]
fn logits_loss_and_gradients_are_those_of_peft() {
    let directory = golden().join("waking");
    let open = |file: &str| SafetensorsFile::open(&directory.join(file)).expect("golden values");
    let (adapter, expected) = (
        open("adapter_model.safetensors"),
        open("expected.safetensors"),
    );
    let wanted = |name: &str, shape: &[usize]| -> Vec<f64> {
        let values = expected.read_f32(name, shape).expect("PEFT has it");
        values.into_iter().map(f64::from).collect()
    };
    let mut model = load("mistral", FloatDType::F64);
    attach(&mut model, |tensor| {
        adapter.read_f32(&format!("base_model.model.{}", tensor.name), &tensor.shape)
    });
    let rows: Vec<TokenExample> = IDS
        .iter()
        .zip(STARTS)
        .map(|(tokens, start)| example(tokens, start, start + INVOCATION))
        .collect();
    let all = wanted("logits", &[IDS.len(), IDS[0].len(), VOCABULARY]);
    for (row, (one, start)) in rows.iter().zip(STARTS).enumerate() {
        let found = logits(&model, &inputs(&model, &[one]));
        let from = (row * IDS[0].len() + start) * VOCABULARY;
        let difference = largest(&found, &all[from..(row + 1) * IDS[0].len() * VOCABULARY]);
        assert!(difference <= 1e-6, "row {row}: {difference:e}");
    }

    model.train(Trained::Adapters);
    let both: Vec<&TokenExample> = rows.iter().collect();
    let inputs = inputs(&model, &both);
    let labels: usize = rows.iter().map(TokenExample::label_tokens).sum();
    let loss = model.loss(&inputs, None).expect("there are targets") / labels as f64;
    let found = gradients(&mut model, loss.backward());
    assert_eq!(found.len(), expected.names().len() - 1);
    for (path, shape, found) in found {
        let difference = largest(&found, &wanted(&format!("base_model.model.{path}"), &shape));
        assert!(difference <= 1e-6, "{path}: {difference:e}");
    }
}

/// Three roles' examples on one history of `length` tokens, as the steps of a trajectory have them.
fn trajectory(length: u64, vocabulary: u64) -> Vec<TokenExample> {
    let random = Random::new(8, None, 0, Purpose::Synthetic).stream(0);
    let mut drawn = 0;
    let mut draw = |count: u64| -> Vec<u32> {
        let tokens = (drawn..drawn + count).map(|index| random.below(vocabulary, index) as u32);
        drawn += count;
        tokens.collect()
    };
    let mut history = Vec::new();
    let mut examples = Vec::new();
    for step in 0..6 {
        history.extend(draw(length / 6 + step));
        for role in 0..3 {
            let mut tokens = history.clone();
            tokens.extend([role, 40, 41]);
            let label_start = tokens.len() + 4;
            tokens.extend(draw(4 + 5 + role as u64));
            examples.push(example(&tokens, history.len(), label_start));
        }
        // A history that goes on another way, as a truncated one does.
        if step == 3 {
            history.drain(2..5);
        }
    }
    // Cut in its own text: nothing stands before it.
    examples.push(example(&draw(30), 0, 20));
    examples
}

#[test]
fn branches_of_one_trunk_have_the_gradients_of_single_rows() {
    for family in ["llama", "llama-rope-llama3", "qwen2", "qwen3"] {
        let mut model = load(family, FloatDType::F64);
        attach(&mut model, random(3));
        model.train(Trained::Adapters);
        let examples = trajectory(120, 40);
        let mut expected: Vec<(String, Vec<f64>)> = Vec::new();
        let mut expected_loss = 0.0;
        for one in &examples {
            let loss = model.loss(&inputs(&model, &[one]), None).expect("targets");
            expected_loss += loss.clone().into_data().iter::<f64>().sum::<f64>();
            let found = gradients(&mut model, loss.backward());
            if expected.is_empty() {
                expected = found
                    .into_iter()
                    .map(|(path, _, found)| (path, found))
                    .collect();
                continue;
            }
            for ((_, sum), (_, _, found)) in expected.iter_mut().zip(found) {
                sum.iter_mut()
                    .zip(found)
                    .for_each(|(sum, found)| *sum += found);
            }
        }
        let all: Vec<&TokenExample> = examples.iter().collect();
        let loss = model.loss(&inputs(&model, &all), None).expect("targets");
        let found_loss = loss.clone().into_data().iter::<f64>().sum::<f64>();
        assert!(
            (found_loss - expected_loss).abs() <= 1e-10 * expected_loss,
            "{family}"
        );
        let found = gradients(&mut model, loss.backward());
        for ((path, wanted), (_, _, found)) in expected.iter().zip(&found) {
            let difference = largest(found, wanted);
            assert!(difference <= 1e-10, "{family} {path}: {difference:e}");
        }
    }
}

/// An adapter that does nothing leaves the base's own logits, whatever is trunk and what branch.
#[test]
fn without_an_effect_branches_are_the_plain_tree() {
    for family in ["llama", "qwen3"] {
        let mut model = load(family, FloatDType::F64);
        let mut draw = random(5);
        attach(&mut model, |tensor| match tensor.name.contains("lora_B") {
            true => Ok(vec![0.0; tensor.shape.iter().product()]),
            false => draw(tensor),
        });
        for one in trajectory(300, 40) {
            let batch = Batch::rows(&[&one]);
            let plain = logits(&model, &model.inputs(&batch, None).expect("valid tokens"));
            let found = logits(&model, &inputs(&model, &[&one]));
            let difference = largest(&found, &plain[one.role_start * VOCABULARY..]);
            assert!(difference <= 1e-12, "{family}: {difference:e}");
        }
    }
}

/// Greedy answers of two adapters behind one history, with and without what is kept; each token against the logits of trunk
/// and branches.
#[test]
fn generation_wakes_adapters_and_keeps_the_history_for_all() {
    let base = load("llama", FloatDType::F64);
    let models: Vec<Decoder> = [3, 4]
        .map(|seed| {
            let mut model = base.clone();
            attach(&mut model, random(seed));
            model
        })
        .into();
    let history: Vec<u32> = (0..60).map(|index| index * 7 % 40).collect();
    let prompt = |role: u32, length: usize| [&history[..length], &[role, 40, 41]].concat();
    let request = |model: usize, length: usize| TokenRequest {
        model,
        prompt: prompt(model as u32, length),
        wakes_at: length,
        new_tokens: 8,
        ends: Vec::new(),
        vocabulary: usize::MAX,
        sampling: Sampling::Greedy,
    };
    let expected = |model: usize, length: usize| {
        let mut tokens = prompt(model as u32, length);
        for _ in 0..8 {
            let one = example(&tokens, length, tokens.len());
            let logits = logits(&models[model - 1], &inputs(&models[model - 1], &[&one]));
            let last = &logits[logits.len() - VOCABULARY..];
            let best = (0..VOCABULARY).max_by(|&a, &b| last[a].total_cmp(&last[b]));
            tokens.push(best.expect("a vocabulary") as u32);
        }
        tokens.split_off(length + 3)
    };
    for pass_tokens in [2048, 7] {
        let settings = GeneratorSettings {
            pass_tokens,
            ..GeneratorSettings::default()
        };
        let all = [&[base.clone()][..], &models].concat();
        let mut generator = Generator::new(all, settings);
        let requests: Vec<TokenRequest> = [(2, 40), (1, 40), (1, 60), (2, 60), (1, 25)]
            .map(|(model, length)| request(model, length))
            .into();
        for again in [false, true] {
            let answers = generator
                .generate(&requests, &mut |_, _| false)
                .expect("answers");
            for (request, answer) in requests.iter().zip(&answers) {
                let wanted = expected(request.model, request.wakes_at);
                assert_eq!(answer.tokens, wanted, "model {}", request.model);
            }
            // The first adapter's prompts are read first; the other one's histories are all there by then.
            assert!(answers[0].cached_tokens >= 40 && answers[3].cached_tokens >= 60);
            assert!(
                !again
                    || answers.iter().zip(&requests).all(|(answer, request)| {
                        answer.cached_tokens == request.prompt.len() - 1
                    })
            );
        }
        // Answers keep the adapters apart, and the base has the history as well.
        let mut plain = request(0, 60);
        plain.wakes_at = 0;
        let answers = generator
            .generate(&[plain], &mut |_, _| false)
            .expect("answers");
        assert_eq!(answers[0].cached_tokens, 60);
    }
}
