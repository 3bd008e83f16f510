//! The memory of a training step is what the formulas say, as a counting allocator sees it.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use burn::tensor::FloatDType;
use glpft_checkpoints::{ComputedBy, ModelConfig, Provenance};
use glpft_data::{Origins, TokenExample};
use glpft_model::Trained;
use glpft_recipes::{
    Backward, FrozenWeights, LoraRecipe, Moments, Packing, Sampling, Stage, StageRecipe, Tune,
    WeightType,
};
use glpft_train::{Observer, StageRun, StepMemory, StepRecord, train_stage};
use support::{attach_lora, config, frozen_model, recipe};

/// Counts live bytes and their peak.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
    // The default `realloc` is made of the two above.
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measures the steps after the first: the optimizer's moments exist by then.
#[derive(Default)]
struct Peak {
    /// Live bytes at the end of the last step.
    before: usize,
    /// The most that a step had beside.
    bytes: usize,
}

impl Observer for Peak {
    fn step(&mut self, record: &StepRecord) {
        if record.step > 1 {
            self.bytes = self.bytes.max(PEAK.load(Relaxed) - self.before);
        }
        self.before = LIVE.load(Relaxed);
        PEAK.store(self.before, Relaxed);
    }
}

/// Examples without shared prefixes, a micro-batch each.
fn examples(count: usize, tokens: usize, vocabulary: usize) -> Vec<TokenExample> {
    (0..count)
        .map(|number| TokenExample {
            tokens: (0..tokens)
                .map(|index| ((index * 7 + 1 + number) % vocabulary) as u32)
                .collect(),
            label_start: tokens / 2,
            role_start: 0,
            trajectory: 0,
            turn: number as u32,
        })
        .collect()
}

/// Examples of one trajectory that share all but their own text.
fn steps(count: usize, trunk: usize, own: usize, vocabulary: usize) -> Vec<TokenExample> {
    let mut steps = examples(count, trunk + own, vocabulary);
    for (number, step) in steps.iter_mut().enumerate() {
        for (index, token) in step.tokens[..trunk].iter_mut().enumerate() {
            *token = ((index * 7 + 1) % vocabulary) as u32;
        }
        step.tokens[trunk] = number as u32;
        step.role_start = trunk;
        step.label_start = trunk + own / 2;
    }
    steps
}

fn measured(config: &ModelConfig, recipe: &StageRecipe, examples: &[TokenExample]) -> usize {
    trained(config, recipe, examples).bytes
}

fn trained(config: &ModelConfig, recipe: &StageRecipe, examples: &[TokenExample]) -> Peak {
    let mut model = frozen_model(config.clone(), FloatDType::F32, recipe.frozen);
    match recipe.tune {
        Tune::Full => model.train(Trained::All),
        Tune::Lora => {
            attach_lora(&mut model, &recipe.lora);
            model.train(Trained::Adapters);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut peak = Peak::default();
    let run = StageRun {
        stage: Stage::Global,
        recipe,
        seed: 1,
        sampling: Sampling::Trajectory,
        packing: Packing::Tree,
        train: &examples.to_vec(),
        validation: &[],
        origins: &Origins::default(),
        directory: folder.path(),
        provenance: &Provenance::default(),
        resume_anyway: false,
        computed_by: &ComputedBy::default(),
        ranks: &glpft_train::Alone,
        stop: &AtomicBool::new(false),
        save: &AtomicBool::new(false),
    };
    train_stage(&mut model, &run, &mut peak, &mut |_, _, _, _| Ok(())).expect("trains");
    peak
}

#[test]
fn a_step_takes_the_memory_that_is_predicted() {
    let shape = |family: &str, hidden: usize, inner: usize, layers: usize, vocabulary: usize| {
        let mut config = config(family);
        config.hidden_size = hidden;
        config.intermediate_size = inner;
        config.layers = layers;
        config.vocab_size = vocabulary;
        config.heads = hidden / 32;
        config.kv_heads = hidden / 64;
        config.head_dim = 32;
        config
    };
    // The attention's backward pass makes a copy of the queries' gradient for each thread: as on a small machine.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2);
    threads.build_global().expect("no threads yet");
    let mut outside = Vec::new();
    for (config, tokens) in [
        (shape("llama", 128, 384, 5, 256), 400),
        (shape("qwen3", 192, 320, 6, 300), 600),
    ] {
        for (tune, dropout) in [(Tune::Full, 0.0), (Tune::Lora, 0.1)] {
            for (recompute, backward, clip_norm, batches) in [
                (0, Backward::Whole, 1.0, 1),
                (0, Backward::Whole, 1.0, 3),
                (2, Backward::Whole, 1.0, 1),
                (1, Backward::Whole, 1.0, 1),
                (1, Backward::Whole, 1.0, 3),
                (0, Backward::LayerWise, 1.0, 3),
                (0, Backward::LayerWise, 0.0, 1),
                (0, Backward::LayerWise, 0.0, 3),
            ] {
                let lora = LoraRecipe {
                    dropout,
                    ..recipe().lora
                };
                let recipe = StageRecipe {
                    tune,
                    lora,
                    recompute,
                    backward,
                    clip_norm,
                    batch: batches,
                    micro_batch_tokens: tokens,
                    max_steps: Some(2),
                    ..recipe()
                };
                let examples = examples(batches, tokens, config.vocab_size);
                let found = measured(&config, &recipe, &examples);
                let predicted = StepMemory::of(&config, &recipe, tokens, tokens * batches);
                let ratio = found as f64 / predicted.step() as f64;
                let line = format!(
                    "{tune} dropout {dropout} recompute {recompute} {backward} clip {clip_norm} batches {batches}: \
                     {found} bytes, {ratio:.3} of {predicted:?}",
                );
                println!("{line}");
                if !(0.9..=1.1).contains(&ratio) {
                    outside.push(line);
                }
            }
        }
        for held_as in [WeightType::Bf16, WeightType::Nf4] {
            let recipe = StageRecipe {
                tune: Tune::Lora,
                frozen: FrozenWeights {
                    held_as,
                    double_quantization: false,
                },
                recompute: 1,
                batch: 1,
                micro_batch_tokens: tokens,
                max_steps: Some(2),
                ..recipe()
            };
            let examples = examples(1, tokens, config.vocab_size);
            let found = measured(&config, &recipe, &examples);
            let predicted = StepMemory::of(&config, &recipe, tokens, tokens);
            let ratio = found as f64 / predicted.step() as f64;
            let line = format!("{held_as}: {found} bytes, {ratio:.3} of {predicted:?}");
            println!("{line}");
            if !(0.9..=1.1).contains(&ratio) {
                outside.push(line);
            }
            // The weights themselves, by how much less they take than in single precision.
            let taken = |frozen: FrozenWeights| {
                let before = LIVE.load(Relaxed);
                let _model = frozen_model(config.clone(), FloatDType::F32, frozen);
                LIVE.load(Relaxed) - before
            };
            let saved = taken(FrozenWeights::default()) - taken(recipe.frozen);
            let whole = StageRecipe {
                frozen: FrozenWeights::default(),
                ..recipe.clone()
            };
            let whole = StepMemory::of(&config, &whole, tokens, tokens);
            let ratio = saved as f64 / (whole.weights - predicted.weights) as f64;
            let line = format!("{held_as}: {saved} bytes saved, {ratio:.3} of what is predicted");
            println!("{line}");
            if !(0.98..=1.02).contains(&ratio) {
                outside.push(line);
            }
        }
        // Moments, by how much less there is between steps than in single precision.
        let of_moments = |moments| {
            let recipe = StageRecipe {
                moments,
                batch: 1,
                micro_batch_tokens: tokens,
                max_steps: Some(2),
                ..recipe()
            };
            let examples = examples(1, tokens, config.vocab_size);
            let held = trained(&config, &recipe, &examples).before;
            (
                held,
                StepMemory::of(&config, &recipe, tokens, tokens).moments,
            )
        };
        let (whole, predicted_whole) = of_moments(Moments::F32);
        for moments in [Moments::Bf16, Moments::Int8] {
            let (held, predicted) = of_moments(moments);
            let saved = whole as f64 - held as f64;
            let ratio = saved / (predicted_whole - predicted) as f64;
            let line =
                format!("moments {moments}: {saved} bytes saved, {ratio:.3} of what is predicted");
            println!("{line}");
            if !(0.97..=1.03).contains(&ratio) {
                outside.push(line);
            }
        }
        for (count, trunk, own) in [(3, 800, 100), (4, 300, 300), (2, 2000, 40)] {
            let recipe = StageRecipe {
                tune: Tune::Lora,
                lora: LoraRecipe {
                    wake: true,
                    dropout: 0.1,
                    ..recipe().lora
                },
                batch: count,
                micro_batch_tokens: own,
                max_steps: Some(2),
                ..recipe()
            };
            let examples = steps(count, trunk, own, config.vocab_size);
            let found = measured(&config, &recipe, &examples);
            let predicted = StepMemory::of(&config, &recipe, own, own * count);
            let predicted = predicted.on_trunk(&config, trunk);
            let ratio = found as f64 / predicted.step() as f64;
            let line =
                format!("trunk {trunk} own {own}: {found} bytes, {ratio:.3} of {predicted:?}");
            println!("{line}");
            if !(0.9..=1.1).contains(&ratio) {
                outside.push(line);
            }
        }
    }
    assert!(outside.is_empty(), "{outside:#?}");
}
