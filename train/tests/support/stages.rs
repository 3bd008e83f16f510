//! Short stages, run in one go or in pieces.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::FloatDType;
use glpft_checkpoints::{ComputedBy, Provenance};
use glpft_data::{Origins, TokenExample};
use glpft_model::{Decoder, Parameter, ParameterVisitor, Trained};
use glpft_recipes::{Packing, Sampling, Stage, StageRecipe};
use glpft_train::{
    Alone, EventRecord, Observer, Outcome, StageRun, StageStart, StepRecord, TrainError, Transport,
    read_log, train_stage,
};

use super::{attach, model};

/// A stage on the first of `examples`, validated on the last two.
#[derive(Clone, Copy)]
pub struct Short<'a> {
    pub recipe: &'a StageRecipe,
    pub examples: &'a [TokenExample],
    pub directory: &'a Path,
    /// After which step it is told to stop.
    pub stop_after: u64,
    /// After which step it is told to write a checkpoint.
    pub save_after: u64,
    /// What the checkpoint calls its data.
    pub data: &'a str,
    pub threads: usize,
    pub resume_anyway: bool,
    /// The ranks that train it together.
    pub ranks: &'a dyn Transport,
    /// Of several sources, which trajectories are whose.
    pub origins: Option<&'a Origins>,
}

/// What a stage told, and what it sets the flag after.
#[derive(Default)]
pub struct Seen {
    /// How it went on: what had changed.
    pub changes: Vec<String>,
    pub events: Vec<EventRecord>,
    pub checkpoints: Vec<PathBuf>,
    pub steps: Vec<StepRecord>,
}

struct Watch<'a>(&'a mut Seen, [(u64, &'a AtomicBool); 2]);

impl Observer for Watch<'_> {
    fn start(&mut self, start: &StageStart) {
        let resumed = start.resumed.as_ref();
        self.0.changes = resumed.map_or(Vec::new(), |resumed| resumed.changes.clone());
    }

    fn step(&mut self, record: &StepRecord) {
        self.0.steps.push(record.clone());
        for (after, flag) in self.1 {
            if record.step == after {
                flag.store(true, Ordering::Relaxed);
            }
        }
    }

    fn event(&mut self, record: &EventRecord) {
        self.0.events.push(record.clone());
    }

    fn checkpoint(&mut self, path: &Path) {
        self.0.checkpoints.push(path.to_owned());
    }
}

impl<'a> Short<'a> {
    pub fn new(recipe: &'a StageRecipe, examples: &'a [TokenExample], directory: &'a Path) -> Self {
        Self {
            recipe,
            examples,
            directory,
            stop_after: u64::MAX,
            save_after: u64::MAX,
            data: "data",
            threads: 2,
            resume_anyway: false,
            ranks: &Alone,
            origins: None,
        }
    }

    pub fn train(&self, model: &mut Decoder) -> Result<Outcome, TrainError> {
        self.watch(model, &mut Seen::default())
    }

    pub fn watch(&self, model: &mut Decoder, seen: &mut Seen) -> Result<Outcome, TrainError> {
        let stop = AtomicBool::new(self.stop_after == 0);
        let save = AtomicBool::new(self.save_after == 0);
        let (train, validation) = self.examples.split_at(self.examples.len() - 2);
        let (train, validation) = (train.to_vec(), validation.to_vec());
        let one = Origins::default();
        let map = |key: &str, value: String| [(key.to_owned(), value)].into();
        let run = StageRun {
            stage: Stage::Global,
            recipe: self.recipe,
            seed: 1,
            sampling: Sampling::Trajectory,
            packing: Packing::Tree,
            train: &train,
            validation: &validation,
            origins: self.origins.unwrap_or(&one),
            directory: self.directory,
            provenance: &Provenance {
                recipe: map("lr", format!("{:?}", self.recipe.lr)),
                data: map("backbone dataset", self.data.to_owned()),
            },
            resume_anyway: self.resume_anyway,
            computed_by: &ComputedBy {
                device: "cpu".to_owned(),
                threads: self.threads,
                version: "0".to_owned(),
                ranks: self.ranks.size(),
            },
            ranks: self.ranks,
            stop: &stop,
            save: &save,
        };
        let mut watch = Watch(seen, [(self.stop_after, &stop), (self.save_after, &save)]);
        train_stage(model, &run, &mut watch, &mut |_, _, _, _| Ok(()))
    }
}

/// A small model, all of it or random adapters trained.
pub fn fresh(lora: bool) -> Decoder {
    fresh_of("llama", lora)
}

/// The same of another family.
pub fn fresh_of(family: &str, lora: bool) -> Decoder {
    let mut model = model(family, FloatDType::F32);
    if lora {
        attach(&mut model, 0.1);
    }
    model.train(if lora {
        Trained::Adapters
    } else {
        Trained::All
    });
    model
}

/// Every parameter, bit for bit.
pub fn bits(model: &mut Decoder) -> Vec<u32> {
    struct Bits(Vec<u32>);
    impl ParameterVisitor for Bits {
        fn visit<const D: usize>(&mut self, _path: &str, parameter: &mut Parameter<D>) {
            let values = parameter.value().into_data();
            self.0.extend(values.iter::<f32>().map(f32::to_bits));
        }
    }
    let mut bits = Bits(Vec::new());
    model.visit_all(&mut bits);
    bits.0
}

/// The log without what depends on the clock and the machine.
pub fn log(directory: &Path) -> Vec<serde_json::Value> {
    let records = read_log(directory).expect("a log");
    let timeless = |record| {
        let mut value = serde_json::to_value(record).expect("JSON");
        for key in ["seconds", "tokens_per_second", "memory", "rank_seconds"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        value
    };
    records.iter().map(timeless).collect()
}
