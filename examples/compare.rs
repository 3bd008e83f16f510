//! What the scripts in `tests/interop` compare with: logits and greedy text of a directory, and a short training on
//! given tokens.
//!
//! ```text
//! compare logits DIR TEXT…                                        JSON for check_model.py --expect
//! compare train MODEL TOKENS OUT --lr LR [--lora RANK] [--batch N] [--steps N] [--set KEY=VALUE]…
//! ```
//!
//! `train` reads the first 2 × batch lines of TOKENS (as `glpft data export --tokens` writes them) as two batches and
//! trains on them in turn, at a constant learning rate, without clipping and dropout. It leaves in OUT:
//! `order.jsonl` (the examples in the order they were trained on, for PyTorch), `initial/` (the fresh adapter),
//! `gradients.safetensors` (of the first step), `stage/train_log.jsonl`, `final/` (the trained model or adapter).

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::Parser;
use glpft::Base;
use glpft::model::{Values, attach_adapters, attach_saved, load_frozen};
use glpft_checkpoints::{
    Adapter, AdapterConfig, AdapterDirectory, ComputedBy, DEFAULT_SHARD_BYTES, FloatType,
    ModelCard, ModelDirectory, ModelLocation, Provenance,
};
use glpft_data::{Batch, Origins, Plan, Text, TokenExample};
use glpft_model::{Decoder, Inputs, Trained, adapter_config};
use glpft_recipes::{
    FrozenWeights, Override, Packing, Recipe, Sampling, Schedule, Separators, Stage,
};
use glpft_train::{Gradients, StageRun, train_stage};
use serde::Deserialize;
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Parser)]
enum Command {
    /// Logits of the last position and greedy text
    Logits {
        /// A model or adapter directory
        directory: PathBuf,
        /// The texts to go on with
        #[arg(required = true)]
        texts: Vec<String>,
        /// Tokens to generate
        #[arg(long, default_value_t = 16)]
        new_tokens: usize,
    },
    /// A short training
    Train(Train),
}

#[derive(clap::Args)]
struct Train {
    model: PathBuf,
    tokens: PathBuf,
    out: PathBuf,
    #[arg(long)]
    lr: f64,
    #[arg(long)]
    lora: Option<usize>,
    #[arg(long, default_value_t = 2)]
    batch: usize,
    #[arg(long, default_value_t = 10)]
    steps: usize,
    #[arg(long, default_value = "tree")]
    packing: String,
    /// A recipe's key and value, such as `stage.precision=bf16`
    #[arg(long)]
    set: Vec<Override>,
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Logits {
            directory,
            texts,
            new_tokens,
        } => logits(&directory, texts, new_tokens),
        Command::Train(train) => train.execute(),
    }
}

/// The model at `path`, an adapter on its base.
fn open(path: &Path, frozen: FrozenWeights) -> Result<(Base, Decoder)> {
    Ok(match ModelLocation::find(path, None)? {
        ModelLocation::Full(directory) => {
            let base = Base::open(&directory)?;
            let model = load_frozen(&base, &Device::flex(), 0, frozen)?;
            (base, model)
        }
        ModelLocation::Adapter { directory, base } => {
            let base = Base::open(&base)?;
            let mut model = load_frozen(&base, &Device::flex(), 0, frozen)?;
            attach_saved(&mut model, &Adapter::open(&directory)?)?;
            (base, model)
        }
    })
}

fn last_logits(model: &Decoder, ids: &[u32]) -> Result<Vec<f32>> {
    let example = TokenExample {
        tokens: ids.to_vec(),
        label_start: ids.len(),
        role_start: 0,
        trajectory: 0,
        turn: 0,
    };
    let batch = Batch::rows(&[&example]);
    let inputs = Inputs::new(&batch, model.config(), model.device(), model.dtype())?;
    let last = TensorData::new(vec![ids.len() as i64 - 1], [1]);
    let last = Tensor::<1, Int>::from_data(last, model.device());
    Ok(model
        .logits(&inputs, last)
        .try_into_data()?
        .iter::<f32>()
        .collect())
}

fn logits(directory: &Path, texts: Vec<String>, new_tokens: usize) -> Result<()> {
    let (base, model) = open(directory, FrozenWeights::default())?;
    let (mut all_ids, mut all_logits, mut all_greedy) = (vec![], vec![], vec![]);
    for text in &texts {
        let mut content = Text::new();
        content.push(text);
        let ids = base.tokenizer.encode(&content, Separators::Eos)?;
        let logits = last_logits(&model, &ids)?;
        let mut path = ids.clone();
        let mut next = logits.clone();
        for _ in 0..new_tokens {
            let best = (0..next.len()).max_by(|&a, &b| next[a].total_cmp(&next[b]).then(b.cmp(&a)));
            path.push(best.unwrap_or(0) as u32);
            next = last_logits(&model, &path)?;
        }
        all_greedy.push(path[ids.len()..].to_vec());
        all_ids.push(ids);
        all_logits.push(logits);
    }
    let found = json!({"texts": texts, "ids": all_ids, "logits": all_logits, "greedy": all_greedy});
    writeln!(std::io::stdout(), "{found}")?;
    Ok(())
}

#[derive(Deserialize)]
struct Line {
    input_ids: Vec<u32>,
    labels: Vec<i64>,
}

impl Train {
    fn execute(self) -> Result<()> {
        let mut recipe = Recipe::load_partial("smollm2-135m-lora", &self.set)?;
        let mut settings = recipe.stage(Stage::Global).clone();
        settings.lr = self.lr;
        settings.warmup_ratio = 0.0;
        settings.schedule = Schedule::Constant;
        settings.clip_norm = 0.0;
        settings.weight_decay = 0.01;
        settings.epsilon = 1e-8;
        settings.batch = self.batch;
        settings.epochs = self.steps as u32;
        settings.max_steps = Some(self.steps);
        settings.lora.dropout = 0.0;
        if let Some(rank) = self.lora {
            settings.lora.rank = rank;
            settings.lora.alpha = 2.0 * rank as f64;
        }
        recipe.stage.global = settings.clone();
        let packing = match self.packing.as_str() {
            "tree" => Packing::Tree,
            "rows" => Packing::Rows,
            _ => Packing::None,
        };

        let text = std::fs::read_to_string(&self.tokens)?;
        let lines = text
            .lines()
            .take(2 * self.batch)
            .map(serde_json::from_str::<Line>);
        let lines = lines.collect::<std::result::Result<Vec<_>, _>>()?;
        // Each batch is a trajectory of its own, so that a step takes exactly one.
        let examples: Vec<TokenExample> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| TokenExample {
                tokens: line.input_ids.clone(),
                label_start: line
                    .labels
                    .iter()
                    .position(|&label| label != -100)
                    .unwrap_or(0),
                role_start: 0,
                trajectory: (index / self.batch) as u32,
                turn: index as u32,
            })
            .collect();
        std::fs::create_dir_all(&self.out)?;
        let trajectories: Vec<u32> = examples.iter().map(|example| example.trajectory).collect();
        let plan = Plan::new(
            &trajectories,
            Sampling::Trajectory,
            self.batch,
            recipe.seed,
            Stage::Global,
        );
        let mut order = std::fs::File::create(self.out.join("order.jsonl"))?;
        let steps = (0..self.steps as u32)
            .flat_map(|epoch| plan.epoch(epoch))
            .take(self.steps);
        for index in steps.flatten() {
            let line = &lines[index as usize];
            writeln!(
                order,
                "{}",
                json!({"input_ids": line.input_ids, "labels": line.labels})
            )?;
        }

        let (base, mut model) = open(&self.model, settings.frozen)?;
        let card = ModelCard::default();
        let config = AdapterConfig {
            dropout: 0.0,
            base: self.model.canonicalize()?.display().to_string(),
            ..adapter_config(&settings.lora)
        };
        let write_adapter = |model: &mut Decoder, to: PathBuf| {
            let values = Values::of(model);
            AdapterDirectory {
                config: &config,
                model: &base.config,
                base_fingerprint: "",
                base_beside: None,
                beside: &[],
                dtype: FloatType::F32,
                tokenizer: None,
                card: None,
            }
            .write(&to, &mut |name| values.read(name))
        };
        if self.lora.is_some() {
            attach_adapters(&mut model, &settings.lora, &recipe, Stage::Global)?;
            write_adapter(&mut model, self.out.join("initial"))?;
        }
        model.train(if self.lora.is_some() {
            Trained::Adapters
        } else {
            Trained::All
        });
        let gradients = self.out.join("gradients.safetensors");
        let run = StageRun {
            stage: Stage::Global,
            recipe: &settings,
            seed: recipe.seed,
            sampling: Sampling::Trajectory,
            packing,
            train: &examples,
            validation: &[],
            origins: &Origins::default(),
            directory: &self.out.join("stage"),
            provenance: &Provenance::default(),
            resume_anyway: false,
            computed_by: &ComputedBy::default(),
            ranks: &glpft_train::Alone,
            stop: &AtomicBool::new(false),
            save: &AtomicBool::new(false),
        };
        let inspect = &mut |model: &mut Decoder, step: u64, sums: &Gradients, scale: f64| {
            if step == 1 {
                sums.write(model, scale, &gradients)
            } else {
                Ok(())
            }
        };
        train_stage(&mut model, &run, &mut (), inspect)?;
        if self.lora.is_some() {
            write_adapter(&mut model, self.out.join("final"))?;
        } else {
            let values = Values::of(&mut model);
            ModelDirectory {
                config: &base.config,
                dtype: FloatType::F32,
                shard_bytes: DEFAULT_SHARD_BYTES,
                tokenizer: base.tokenizer_files.source(),
                card: &card,
            }
            .write(&self.out.join("final"), &mut |name| values.read(name))?;
        }
        Ok(())
    }
}
