//! Ranks that train a stage together come to what one rank comes to, up to the order of sums, and to the same bits each time.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::FloatDType;
use glpft_checkpoints::{SafetensorsFile, latest_checkpoint};
use glpft_data::TokenExample;
use glpft_model::{Decoder, Trained};
use glpft_recipes::{Backward, OnNotFinite, StageRecipe};
use glpft_train::{LogRecord, Outcome, StepRecord, TrainError, Transport, read_log, thread_ranks};
use support::stages::{Seen, Short, bits, fresh, log};
use support::{attach, examples, model, recipe};

/// What became of a stage on one rank.
struct Came {
    outcome: Result<Outcome, TrainError>,
    bits: Vec<u32>,
    changes: Vec<String>,
}

/// Trains a stage with so many ranks, each in a thread; only the first one is told to stop.
fn train(count: usize, short: Short<'_>, model: fn() -> Decoder) -> Vec<Came> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = thread_ranks(count)
            .into_iter()
            .map(|rank| {
                // Each as an MPI process of one thread would.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                let pool = pool.expect("a pool");
                let (recipe, examples) = (short.recipe, short.examples);
                let (directory, stop_after) = (short.directory, short.stop_after);
                let resume_anyway = short.resume_anyway;
                scope.spawn(move || {
                    pool.install(|| {
                        let short = Short {
                            stop_after: match rank.leads() {
                                true => stop_after,
                                false => u64::MAX,
                            },
                            resume_anyway,
                            threads: 1,
                            ranks: &rank,
                            ..Short::new(recipe, examples, directory)
                        };
                        let (mut model, mut seen) = (model(), Seen::default());
                        let outcome = short.watch(&mut model, &mut seen);
                        Came {
                            outcome,
                            bits: bits(&mut model),
                            changes: seen.changes,
                        }
                    })
                })
            })
            .collect();
        let trained = threads.into_iter().map(|thread| thread.join());
        trained.map(|one| one.expect("no panic")).collect()
    })
}

fn steps(directory: &Path) -> Vec<StepRecord> {
    let records = read_log(directory).expect("a log");
    let steps = records.into_iter().filter_map(|record| match record {
        LogRecord::Step(step) => Some(step),
        _ => None,
    });
    steps.collect()
}

fn full() -> Decoder {
    fresh(false)
}

/// Its dropout's masks are other ones with another number of ranks.
fn adapters() -> Decoder {
    fresh(true)
}

fn adapters_without_dropout() -> Decoder {
    let mut model = model("llama", FloatDType::F32);
    attach(&mut model, 0.0);
    model.train(Trained::Adapters);
    model
}

type Make = fn() -> Decoder;
type Kind = (Make, StageRecipe);

fn kinds(adapters: fn() -> Decoder) -> Vec<Kind> {
    let kinds: [(Make, usize, Backward); 5] = [
        (full, 0, Backward::Whole),
        (adapters, 0, Backward::Whole),
        (adapters, 2, Backward::Whole),
        (full, 0, Backward::LayerWise),
        (adapters, 0, Backward::LayerWise),
    ];
    kinds
        .into_iter()
        .map(|(model, recompute, backward)| {
            let recipe = StageRecipe {
                recompute,
                backward,
                epochs: 6,
                ..recipe()
            };
            (model, recipe)
        })
        .collect()
}

#[test]
fn any_number_of_ranks_comes_to_the_losses_of_one() {
    let examples = examples(14, 40);
    for (model, recipe) in kinds(adapters_without_dropout) {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |name: &str| folder.path().join(name);
        let alone = of("alone");
        let one = train(1, Short::new(&recipe, &examples, &alone), model);
        assert!(matches!(one[0].outcome, Ok(Outcome::Finished(_))));
        let expected = steps(&alone);
        assert!(expected.len() >= 24, "{}", expected.len());
        // More ranks than a step has trajectories, too: some have nothing to do.
        for count in [2, 3, 5] {
            let directory = of(&format!("{count}"));
            let ranks = train(count, Short::new(&recipe, &examples, &directory), model);
            for rank in &ranks {
                assert!(matches!(rank.outcome, Ok(Outcome::Finished(_))));
                assert!(rank.bits == ranks[0].bits, "all hold the same weights");
            }
            let found = steps(&directory);
            assert_eq!(found.len(), expected.len());
            for (step, alone) in found.iter().zip(&expected) {
                let error = (step.loss - alone.loss).abs();
                assert!(error < 1e-5, "step {}: {error}", step.step);
                let error = (step.grad_norm - alone.grad_norm).abs() / alone.grad_norm;
                assert!(error < 1e-4, "step {}: {error}", step.step);
                assert_eq!(step.tokens, alone.tokens);
                assert_eq!(step.label_tokens, alone.label_tokens);
                assert_eq!(step.examples, alone.examples);
                assert_eq!(step.rank_seconds.len(), count);
            }
            let again = of(&format!("{count} again"));
            let second = train(count, Short::new(&recipe, &examples, &again), model);
            assert!(second[0].bits == ranks[0].bits, "the same bits each time");
            assert_eq!(log(&again), log(&directory));
        }
    }
}

/// Every tensor of the last checkpoint, bit for bit.
fn checkpoint(directory: &Path) -> BTreeMap<String, Vec<u32>> {
    let checkpoint = latest_checkpoint(directory).expect("readable");
    let checkpoint = checkpoint.expect("a checkpoint").path;
    let mut tensors = BTreeMap::new();
    for file in [
        "model.safetensors",
        "adapter_model.safetensors",
        "optimizer.safetensors",
    ] {
        let path = checkpoint.join(file);
        if !path.is_file() {
            continue;
        }
        let file = SafetensorsFile::open(&path).expect("a file");
        for name in file.names() {
            let shape = file.shape(&name).expect("a shape").to_vec();
            let values = file.read_f32(&name, &shape).expect("values");
            tensors.insert(name, values.into_iter().map(f32::to_bits).collect());
        }
    }
    tensors
}

#[test]
fn interrupted_and_resumed_by_as_many_ranks_is_uninterrupted() {
    let examples = examples(14, 40);
    for (model, recipe) in kinds(adapters) {
        let recipe = StageRecipe {
            epochs: 2,
            ..recipe
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        let expected = train(3, Short::new(&recipe, &examples, &whole), model);
        for stop_after in [0, 2, 3, 5] {
            let short = Short {
                stop_after,
                ..Short::new(&recipe, &examples, &pieces)
            };
            for rank in train(3, short, model) {
                let Ok(Outcome::Interrupted(saved)) = rank.outcome else {
                    panic!("{:?}", rank.outcome)
                };
                assert_eq!(saved.step, stop_after);
            }
        }
        let resumed = train(3, Short::new(&recipe, &examples, &pieces), model);
        assert!(resumed[0].changes.is_empty(), "{:?}", resumed[0].changes);
        assert!(resumed.iter().all(|rank| rank.bits == expected[0].bits));
        assert_eq!(log(&pieces), log(&whole));
        assert!(checkpoint(&pieces) == checkpoint(&whole));
    }
}

#[test]
fn a_checkpoint_is_whole_whatever_the_number_of_ranks() {
    let (examples, recipe) = (examples(14, 40), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let of = |name: &str| folder.path().join(name);
    let short = |directory, stop_after| Short {
        stop_after,
        ..Short::new(&recipe, &examples, directory)
    };
    let (mixed, three) = (of("mixed"), of("three"));
    train(3, short(&three, u64::MAX), full);
    // Three ranks, then one, then two, then three.
    for (ranks, stop_after) in [(3, 3), (1, 4), (2, 5), (3, u64::MAX)] {
        let trained = train(ranks, short(&mixed, stop_after), full);
        let told = trained[0].changes.join(" ");
        assert_eq!(told.contains("ranks"), stop_after != 3, "{told}");
    }
    let (mixed, three) = (checkpoint(&mixed), checkpoint(&three));
    assert!(mixed.keys().eq(three.keys()));
    for (name, values) in &three {
        for (a, b) in values.iter().zip(&mixed[name]) {
            let (a, b) = (f32::from_bits(*a), f32::from_bits(*b));
            assert!((a - b).abs() <= 2e-4 * (1.0 + a.abs()), "{name}: {a} {b}");
        }
    }
}

/// Examples of which one has a token that the model does not know.
fn broken(mut examples: Vec<TokenExample>) -> Vec<TokenExample> {
    examples[5].tokens[0] = 1 << 20;
    examples
}

#[test]
fn an_error_on_one_rank_ends_all_and_names_it() {
    let (examples, recipe) = (broken(examples(14, 40)), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let trained = train(3, Short::new(&recipe, &examples, folder.path()), full);
    let told: Vec<String> = trained
        .iter()
        .map(|rank| rank.outcome.as_ref().expect_err("it is broken").to_string())
        .collect();
    let own = told.iter().filter(|told| told.contains("1048576")).count();
    let others = told
        .iter()
        .filter(|told| told.contains("ended while"))
        .count();
    assert_eq!((own, others), (1, 2), "{told:?}");
}

#[test]
fn what_is_not_finite_on_one_rank_is_left_out_by_all() {
    let examples = examples(14, 40);
    for backward in [Backward::Whole, Backward::LayerWise] {
        let recipe = StageRecipe {
            backward,
            // The weights grow past any number, and then no loss is finite.
            lr: 1e30,
            on_not_finite: OnNotFinite::Skip,
            max_not_finite: 2,
            ..recipe()
        };
        let folder = tempfile::tempdir().expect("a folder");
        for rank in train(2, Short::new(&recipe, &examples, folder.path()), full) {
            let error = rank.outcome.expect_err("no step is finite").to_string();
            assert!(error.contains("not finite"), "{error}");
        }
    }
}
