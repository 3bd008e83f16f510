//! Training steps on given tokens.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use glpft::Base;
use glpft::model::{attach_adapters, load};
use glpft_checkpoints::{ComputedBy, ModelConfig, Provenance};
use glpft_data::{Origins, Plan, StepBatches};
use glpft_model::{Decoder, Trained};
use glpft_recipes::{Override, Recipe, Sampling, Stage, Tune};
use glpft_train::{Observer, StageRun, StepRecord, train_stage};
use serde_json::json;

use crate::Result;
use crate::flops::{Work, flops};
use crate::line::read_examples;

const STAGE: Stage = Stage::Global;

#[derive(clap::Args)]
pub(crate) struct Step {
    /// A Hugging Face model directory
    model: PathBuf,
    /// Files of tokens, each a step
    #[arg(required = true)]
    tokens: Vec<PathBuf>,
    /// Adapters of this rank on all linear layers, alpha twice the rank; without it all parameters are trained
    #[arg(long)]
    lora: Option<usize>,
    #[arg(long, default_value = "tree")]
    packing: String,
    /// Passes that are not measured
    #[arg(long, default_value_t = 1)]
    warmup: usize,
    /// Passes that are
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Changes a key of the recipe, such as stage.micro_batch_tokens=8192
    #[arg(long)]
    set: Vec<Override>,
}

impl Step {
    pub(crate) fn execute(self) -> Result<()> {
        let recipe = self.recipe()?;
        let settings = recipe.stage(STAGE);
        let base = Base::open(&self.model)?;
        let mut model = load(&base, &Device::flex(), recipe.seed)?;
        let trained = match settings.tune {
            Tune::Lora => {
                attach_adapters(&mut model, &settings.lora, &recipe, STAGE)?;
                Trained::Adapters
            }
            Tune::Full => Trained::All,
        };
        model.train(trained);
        for tokens in &self.tokens {
            self.measure(&mut model, &recipe, tokens)?;
        }
        Ok(())
    }

    /// The settings that the comparison has on both sides, then those of the command line.
    fn recipe(&self) -> Result<Recipe> {
        let mut overrides = vec![
            Override::new("data.packing", self.packing.as_str()),
            Override::new("stage.schedule", "constant"),
            Override::new("stage.warmup_ratio", "0"),
            Override::new("stage.lr", "1e-5"),
            Override::new("stage.weight_decay", "0.01"),
            Override::new("stage.clip_norm", "0"),
            Override::new("stage.lora.dropout", "0"),
        ];
        match self.lora {
            Some(rank) => overrides.extend([
                Override::new("stage.tune", "lora"),
                Override::new("stage.lora.rank", rank.to_string()),
                Override::new("stage.lora.alpha", (2 * rank).to_string()),
            ]),
            None => overrides.push(Override::new("stage.tune", "full")),
        }
        overrides.extend(self.set.iter().cloned());
        Ok(Recipe::load_partial("smollm2-135m-lora", &overrides)?)
    }

    fn measure(&self, model: &mut Decoder, recipe: &Recipe, tokens: &Path) -> Result<()> {
        let examples = read_examples(tokens)?;
        let passes = self.warmup + self.repeat.max(1);
        let mut settings = recipe.stage(STAGE).clone();
        // A step is all of the file, and so is an epoch.
        settings.batch = examples.len();
        settings.epochs = passes as u32;
        settings.max_steps = Some(passes);
        let directory = tempfile::tempdir()?;
        let run = StageRun {
            stage: STAGE,
            recipe: &settings,
            seed: recipe.seed,
            sampling: Sampling::Trajectory,
            packing: recipe.data.packing,
            train: &examples,
            validation: &[],
            origins: &Origins::default(),
            directory: directory.path(),
            provenance: &Provenance::default(),
            resume_anyway: false,
            computed_by: &ComputedBy::default(),
            ranks: &glpft_train::Alone,
            stop: &AtomicBool::new(false),
            save: &AtomicBool::new(false),
        };
        let config = model.config().clone();
        let mut measured = Measured {
            flops: step_flops(&config, &run, passes)?,
            ..Measured::default()
        };
        train_stage(model, &run, &mut measured, &mut |_, _, _, _| Ok(()))?;

        let counted = measured.records.get(self.warmup..).unwrap_or_default();
        let median = |of: &dyn Fn(&StepRecord) -> f64| {
            let mut values: Vec<f64> = counted.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
            (values[low] + values[high]) / 2.0
        };
        let seconds = median(&|record| record.seconds);
        let real: usize = examples.iter().map(|example| example.tokens.len()).sum();
        let computed = median(&|record| record.computed_tokens as f64);
        let flops = median(&|record| measured.flops[record.step as usize - 1]);
        let summary = json!({
            "file": tokens.display().to_string(),
            "packing": recipe.data.packing,
            "tune": settings.tune,
            "examples": examples.len(),
            "tokens": real,
            "computed_tokens": computed,
            "sharing": real as f64 / computed,
            "seconds": seconds,
            "tokens_per_second": real as f64 / seconds,
            "gemm_flops": flops,
            "gemm_gflops": flops * 1e-9 / seconds,
            "peak_rss_gib": measured.peak,
            "threads": rayon::current_num_threads(),
        });
        writeln!(std::io::stdout(), "{summary}")?;
        Ok(())
    }
}

/// The operations of each step's matrix products.
fn step_flops(config: &ModelConfig, run: &StageRun<'_>, steps: usize) -> Result<Vec<f64>> {
    let settings = run.recipe;
    let plan = Plan::of_stage(run.train, run.sampling, settings, run.seed, run.stage);
    let lora = (settings.tune == Tune::Lora).then_some(&settings.lora);
    (0..steps as u32)
        .flat_map(|epoch| plan.epoch(epoch))
        .map(|step| {
            let budget = settings.micro_batch_tokens;
            let step = StepBatches::new(run.train, &step, run.packing, budget)?;
            let batches = step.batches.iter();
            Ok(batches
                .map(|batch| flops(config, Work::of(batch), lora))
                .sum())
        })
        .collect()
}

#[derive(Default)]
struct Measured {
    flops: Vec<f64>,
    records: Vec<StepRecord>,
    peak: Option<f64>,
}

impl Observer for Measured {
    fn step(&mut self, record: &StepRecord) {
        // Now, and not at the end: the checkpoint that follows the last step is not the step's memory.
        self.peak = peak_memory();
        let line = json!({
            "step": record.step,
            "loss": record.loss,
            "label_tokens": record.label_tokens,
            "tokens": record.tokens,
            "computed_tokens": record.computed_tokens,
            "seconds": record.seconds,
        });
        // Whoever closed our output wants no more of it.
        let _ = writeln!(std::io::stdout(), "{line}");
        self.records.push(record.clone());
    }
}

/// The most memory that the process has held, in GiB, where the system tells (Linux).
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / (1 << 20) as f64)
}
