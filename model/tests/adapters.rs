//! Adapters that PEFT saved, against the logits and gradients that it computes: `tests/golden/adapters` of the repository.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType, Gradients, Int, Tensor, TensorData};
use glpft_checkpoints::{
    Adapter, AdapterError, ModelConfig, ModelFiles, SafetensorsFile, TensorShape, WeightsError,
};
use glpft_data::{Batch, TokenExample};
use glpft_model::generation::{Generator, GeneratorSettings};
use glpft_model::{
    Decoder, Inputs, ModelError, Parameter, ParameterVisitor, Trained, adapter_config,
};
use glpft_recipes::LoraRecipe;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
}

/// `IDS` of `tests/golden/adapters.py`.
const IDS: [[u32; 9]; 2] = [
    [1, 7, 46, 3, 3, 29, 11, 0, 40],
    [1, 2, 14, 31, 5, 47, 22, 22, 9],
];
const VOCABULARY: usize = 48;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn load(directory: &Path, dtype: FloatDType) -> Decoder {
    let config = ModelConfig::read(directory).expect("config.json");
    let files = ModelFiles::open(directory).expect("weights");
    let read = &mut |tensor: &TensorShape| {
        files
            .read_f32(&tensor.name, &tensor.shape)
            .map_err(Error::from)
    };
    Decoder::load(config, &Device::flex(), dtype, read).expect("the model loads")
}

/// A golden case: the model with the adapter, and what PEFT computes.
fn open(case: &str, dtype: FloatDType) -> (Decoder, Adapter, SafetensorsFile) {
    let directory = golden().join("adapters").join(case);
    let adapter = Adapter::open(&directory).expect("PEFT wrote it");
    let base = adapter.base_directory().expect("it names its base");
    let mut model = load(&base, dtype);
    let files = ModelFiles::open(&base).expect("weights");
    adapter
        .check(model.config(), &files)
        .expect("it fits its base");
    model.attach_saved::<Error>(&adapter).expect("it loads");
    let expected = SafetensorsFile::open(&directory.join("expected.safetensors"));
    (model, adapter, expected.expect("golden values"))
}

fn inputs(model: &Decoder) -> Inputs {
    let rows = IDS.map(|tokens| TokenExample {
        tokens: tokens.to_vec(),
        label_start: 1,
        role_start: 0,
        trajectory: 0,
        turn: 0,
    });
    let batch = Batch::rows(&rows.iter().collect::<Vec<_>>());
    Inputs::new(&batch, model.config(), model.device(), model.dtype()).expect("valid tokens")
}

fn difference_of_logits(model: &Decoder, expected: &SafetensorsFile) -> f32 {
    let all: Vec<i64> = (0..IDS.as_flattened().len() as i64).collect();
    let all = TensorData::from(all.as_slice());
    let all = Tensor::<1, Int>::from_data(all, model.device());
    let found = model.logits(&inputs(model), all).into_data();
    let found = found.try_to_vec::<f32>().expect("f32 logits");
    let wanted = expected.read_f32("logits", &[IDS.len(), IDS[0].len(), VOCABULARY]);
    largest(&found, &wanted.expect("logits"))
}

/// The largest difference, beside the largest of the values where that is above one.
fn largest(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let differences = found
        .iter()
        .zip(wanted)
        .map(|(one, other)| (one - other).abs());
    let scale = wanted.iter().fold(1.0, |all: f32, one| all.max(one.abs()));
    differences.fold(0.0, f32::max) / scale
}

#[test]
fn adapters_of_peft_compute_what_peft_computes_attached_and_merged() {
    let mut cases = 0;
    for entry in std::fs::read_dir(golden().join("adapters")).expect("golden adapters") {
        let case = entry.expect("an entry").file_name();
        let case = case.to_str().expect("a name");
        cases += 1;
        let (mut model, _, expected) = open(case, FloatDType::F32);
        let found = difference_of_logits(&model, &expected);
        assert!(found <= 1e-5, "{case}: {found}");
        model.merge();
        let merged = difference_of_logits(&model, &expected);
        assert!(merged <= 1e-5, "{case}, merged: {merged}");
    }
    assert!(cases >= 11, "only {cases} golden adapters");
}

#[test]
fn their_gradients_are_those_of_peft() {
    for case in ["rslora", "patterns"] {
        let (mut model, _, expected) = open(case, FloatDType::F64);
        model.train(Trained::Adapters);
        let inputs = inputs(&model);
        let loss = model.loss(&inputs, None).expect("there are targets");
        let labels = IDS.as_flattened().len() - IDS.len();
        let mut compare = Compare {
            graph: (loss / labels as f64).backward(),
            expected: &expected,
            compared: 0,
        };
        model.visit_all(&mut compare);
        let tensors = expected.names().len() - 1;
        assert_eq!(compare.compared, tensors, "{case}");
    }
}

/// A team's models share a generator; one of them may have a head of its own.
#[test]
fn a_model_with_an_untied_head_shares_a_generator_with_its_base() {
    let (adapted, adapter, _) = open("head-tied", FloatDType::F32);
    let base = load(&adapter.base_directory().expect("a base"), FloatDType::F32);
    assert!(base.config().tied && !adapted.config().tied);
    let generator = Generator::new(vec![base, adapted], GeneratorSettings::default());
    assert_eq!(generator.max_positions(), 256);
}

struct Compare<'a> {
    graph: Gradients,
    expected: &'a SafetensorsFile,
    compared: usize,
}

impl ParameterVisitor for Compare<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let Some(found) = parameter.value().grad(&self.graph) else {
            return;
        };
        let shape = found.dims();
        let found: Vec<f32> = found.into_data().iter().collect();
        let name = format!("base_model.model.{path}");
        let wanted = self.expected.read_f32(&name, &shape).expect("PEFT has it");
        let difference = largest(&found, &wanted);
        assert!(difference <= 1e-5, "{path}: {difference}");
        self.compared += 1;
    }
}

#[test]
fn a_recipe_attaches_what_peft_reads_of_the_same_settings() {
    let (_, adapter, expected) = open("patterns", FloatDType::F32);
    let settings = adapter.config();
    let lora = LoraRecipe {
        rank: 4,
        alpha: 8.0,
        dropout: 0.0,
        wake: false,
        rslora: true,
        rank_pattern: settings.rank_pattern.iter().cloned().collect(),
        alpha_pattern: settings.alpha_pattern.iter().cloned().collect(),
        target_modules: ["down_proj", "q_proj", "v_proj"]
            .map(str::to_owned)
            .to_vec(),
    };
    let mut made = adapter_config(&lora);
    made.base.clone_from(&settings.base);
    assert_eq!(made, *settings);
    let mut model = load(&golden().join("llama"), FloatDType::F32);
    let attached = model.attach(&lora, &mut |tensor: &TensorShape| {
        let name = format!("base_model.model.{}", tensor.name);
        Ok::<_, Error>(adapter.read_f32(&name, &tensor.shape)?)
    });
    attached.expect("it fits");
    let difference = difference_of_logits(&model, &expected);
    assert!(difference <= 1e-5, "{difference}");
}
