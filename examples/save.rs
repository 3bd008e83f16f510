//! Measures saving and loading a random model of a given size: time, rate, and memory beside the model's.
//!
//! `cargo run --release --example save -- 1b OUT` trains one step of it (layer by layer, so that no more than one
//! layer's gradients exist), which makes the optimizer's moments, and lets the stage write its checkpoint; a second
//! process (`--load`) goes on from that. OUT must be new and is removed at the end. Needs Linux's /proc. The
//! allocator is left to hand freed memory back, so that what a save takes is not hidden in what a step has freed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that tells what it measures"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use clap::{Parser, ValueEnum};
use glpft::Base;
use glpft::model::load;
use glpft_checkpoints::{ComputedBy, Provenance};
use glpft_data::{Origins, TokenExample};
use glpft_model::Trained;
use glpft_recipes::{Override, Recipe, Stage, StageRecipe};
use glpft_train::{Observer, StageRun, StageStart, StepRecord, train_stage};

/// Measures saving and loading.
#[derive(Parser)]
struct Args {
    /// The model's size
    #[arg(value_enum)]
    size: Size,
    /// The folder to write into
    out: PathBuf,
    /// Goes on from the checkpoint that is in OUT
    #[arg(long)]
    load: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// SmolLM2-135M's shape, with the built-in vocabulary
    #[value(name = "135m")]
    Small,
    /// TinyLlama-1.1B's shape, with the built-in vocabulary
    #[value(name = "1b")]
    Large,
}

impl Size {
    /// hidden, intermediate, layers, heads, key-value heads, vocabulary
    fn shape(self) -> [usize; 6] {
        match self {
            Self::Small => [576, 1536, 30, 9, 3, 49_152],
            Self::Large => [2048, 5632, 22, 32, 4, 32_000],
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of a line of /proc/self/status, and its high-water mark set back.
fn status(line: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = text.lines().find_map(|found| found.strip_prefix(line));
    let kilobytes = found.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
    kilobytes.unwrap_or(0) * 1024
}

fn forget_peak() {
    // Without it the peak is that of all before, which only makes the figure larger.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// A moment, and the memory held then.
struct Moment(Instant, u64);

impl Moment {
    fn now() -> Self {
        forget_peak();
        Self(Instant::now(), status("VmRSS"))
    }
}

struct Measure {
    begun: Moment,
    weights: u64,
    out: PathBuf,
}

impl Measure {
    fn tell(&self, what: &str) {
        let Moment(at, before) = self.begun;
        let seconds = at.elapsed().as_secs_f64();
        let (peak, after) = (status("VmHWM"), status("VmRSS"));
        let extra = peak.saturating_sub(before.max(after));
        let bytes = bytes_in(&self.out);
        println!(
            "{what}: {:.2} GB in {seconds:.2} s, {:.0} MB/s; memory before {:.2} GB, peak {:.2} GB, after {:.2} GB: \
             {:.1} % of the weights more",
            bytes as f64 / 1e9,
            bytes as f64 / 1e6 / seconds,
            before as f64 / 1e9,
            peak as f64 / 1e9,
            after as f64 / 1e9,
            100.0 * extra as f64 / self.weights as f64,
        );
    }
}

impl Observer for Measure {
    fn start(&mut self, start: &StageStart) {
        if start.resumed.is_some() {
            // The weights take the place of those that are there; the moments are new.
            self.tell("load a checkpoint (weights and moments)");
        }
    }

    fn step(&mut self, _: &StepRecord) {
        self.begun = Moment::now();
    }

    fn checkpoint(&mut self, _: &Path) {
        self.tell("save a checkpoint (weights and moments)");
    }
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => bytes_in(&path),
            path => path.metadata().map_or(0, |found| found.len()),
        })
        .sum()
}

fn main() -> Result<()> {
    let args = Args::parse();
    if !args.load {
        fs::create_dir(&args.out)?;
    }
    let recipe = Recipe::load("sample", &settings()?)?;
    let mut base = Base::resolve(&recipe)?;
    let [hidden, intermediate, layers, heads, kv_heads, vocabulary] = args.size.shape();
    let config = &mut base.config;
    config.hidden_size = hidden;
    config.intermediate_size = intermediate;
    config.layers = layers;
    config.heads = heads;
    config.kv_heads = kv_heads;
    config.head_dim = hidden / heads;
    config.vocab_size = vocabulary;
    let mut model = load(&base, &Device::flex(), 1)?;
    model.train(Trained::All);
    let weights = 4 * base.config.parameters();
    println!("{} parameters", base.config.parameters());
    let stage = recipe.stage(Stage::Global);
    train(&mut model, stage, weights, &args.out)?;
    drop(model);
    if !args.load {
        let size = args.size.to_possible_value().ok_or("no such size")?;
        let mut again = Command::new(std::env::current_exe()?);
        let status = again
            .arg(size.get_name())
            .arg(&args.out)
            .arg("--load")
            .status()?;
        fs::remove_dir_all(&args.out)?;
        return status
            .success()
            .then_some(())
            .ok_or_else(|| "loading failed".into());
    }
    Ok(())
}

fn settings() -> Result<Vec<Override>> {
    let settings = [
        "stage.max_steps=1",
        "stage.batch=1",
        "stage.backward=layer-wise",
        "stage.clip_norm=0",
        "stage.warmup_ratio=0",
    ];
    let settings = settings.iter().map(|setting| setting.parse());
    Ok(settings.collect::<std::result::Result<_, _>>()?)
}

fn train(
    model: &mut glpft_model::Decoder,
    recipe: &StageRecipe,
    weights: u64,
    out: &Path,
) -> Result<()> {
    let examples = vec![TokenExample {
        tokens: (0..16).collect(),
        label_start: 8,
        role_start: 0,
        trajectory: 0,
        turn: 0,
    }];
    let stage = StageRun {
        stage: Stage::Global,
        recipe,
        seed: 1,
        sampling: glpft_recipes::Sampling::Trajectory,
        packing: glpft_recipes::Packing::Tree,
        train: &examples,
        validation: &[],
        origins: &Origins::default(),
        directory: out,
        provenance: &Provenance::default(),
        resume_anyway: false,
        computed_by: &ComputedBy::default(),
        ranks: &glpft_train::Alone,
        stop: &AtomicBool::new(false),
        save: &AtomicBool::new(false),
    };
    let mut measure = Measure {
        begun: Moment::now(),
        weights,
        out: out.to_owned(),
    };
    train_stage(model, &stage, &mut measure, &mut |_, _, _, _| Ok(()))?;
    Ok(())
}
