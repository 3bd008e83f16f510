//! Stages whose adapters wake, trained in one pass: what they become alone, stopped or not.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::FloatDType;
use glpft_checkpoints::{ComputedBy, Provenance};
use glpft_data::{Origins, Purpose, Random, TokenExample};
use glpft_model::{Decoder, Parameter, ParameterVisitor, Trained};
use glpft_recipes::{LoraRecipe, Packing, Sampling, Stage, StageRecipe, Tune};
use glpft_train::{Member, Observer, OpenStages, Outcome, StageRun, StepRecord, train_stage};
use support::{attach_lora, model, recipe};

/// A role's examples: of every trajectory's steps those that it speaks in.
fn examples(role: u32) -> Vec<TokenExample> {
    let mut examples = Vec::new();
    for trajectory in 0..10 {
        let random = Random::new(5, None, 0, Purpose::Synthetic).stream(u64::from(trajectory));
        let mut drawn = 0;
        let mut draw = |count: u64| -> Vec<u32> {
            let tokens: Vec<u32> = (drawn..drawn + count)
                .map(|index| random.below(40, index) as u32)
                .collect();
            drawn += count;
            tokens
        };
        let mut history = draw(12);
        for turn in 0..2 + trajectory % 3 {
            let targets = [draw(5), draw(4), draw(6)];
            // The last role speaks at the end alone.
            if role < 2 || turn == 1 + trajectory % 3 {
                let mut tokens = history.clone();
                tokens.extend([40 + role, 43]);
                let label_start = tokens.len();
                tokens.extend(&targets[role as usize]);
                examples.push(TokenExample {
                    tokens,
                    label_start,
                    role_start: history.len(),
                    trajectory,
                    turn,
                });
            }
            history.extend(draw(7));
        }
    }
    examples
}

/// A stage, and a step of it.
type Told = (&'static str, u64);

const STAGES: [Stage; 3] = Stage::LOCAL;

/// Settings that differ as the roles' do.
fn settings() -> [StageRecipe; 3] {
    let of = |epochs, batch| {
        let usual = recipe();
        StageRecipe {
            tune: Tune::Lora,
            lora: LoraRecipe {
                wake: true,
                dropout: 0.1,
                ..usual.lora.clone()
            },
            epochs,
            batch,
            checkpoint_every: 2,
            // Less than the branches of some trajectories: they go in parts.
            micro_batch_tokens: 25,
            ..usual
        }
    };
    [of(1, 4), of(1, 3), of(2, 2)]
}

/// Sets a flag after a stage's step.
struct Watch<'a> {
    stage: &'static str,
    after: Option<(&'static str, u64)>,
    stop: &'a AtomicBool,
    steps: Vec<(&'static str, u64)>,
}

impl Observer for Watch<'_> {
    fn turn_to(&mut self, stage: &'static str) {
        self.stage = stage;
    }

    fn step(&mut self, record: &StepRecord) {
        self.steps.push((self.stage, record.step));
        if self.after == Some((self.stage, record.step)) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn fresh(role: usize) -> Decoder {
    let mut model = model("llama", FloatDType::F32);
    attach_lora(&mut model, &settings()[role].lora);
    model.train(Trained::Adapters);
    model
}

/// Trains the stages into `folder`, together or one after the other; how each ended, with its model.
fn train(
    folder: &Path,
    together: bool,
    after: Option<(&'static str, u64)>,
) -> (Vec<(Decoder, Outcome)>, Vec<Told>) {
    let (stop, save) = (AtomicBool::new(false), AtomicBool::new(false));
    let recipes = settings();
    let sets: Vec<_> = (0..3).map(examples).collect();
    let held_out = vec![sets[0][0].clone(), sets[0][1].clone()];
    let provenance = Provenance {
        recipe: [("lr".to_owned(), "1".to_owned())].into(),
        data: [("dataset".to_owned(), "d".to_owned())].into(),
    };
    let computed_by = ComputedBy {
        device: "cpu".to_owned(),
        threads: 2,
        version: "0".to_owned(),
        ranks: 1,
    };
    let origins = Origins::default();
    let directories = STAGES.map(|stage| folder.join(stage.name()));
    let runs: Vec<StageRun<'_>> = (0..3)
        .map(|role| StageRun {
            stage: STAGES[role],
            recipe: &recipes[role],
            seed: 1,
            sampling: Sampling::Trajectory,
            packing: Packing::Tree,
            train: &sets[role],
            validation: &held_out,
            origins: &origins,
            directory: &directories[role],
            provenance: &provenance,
            resume_anyway: false,
            computed_by: &computed_by,
            ranks: &glpft_train::Alone,
            stop: &stop,
            save: &save,
        })
        .collect();
    let mut watch = Watch {
        stage: "",
        after,
        stop: &stop,
        steps: Vec::new(),
    };
    let outcomes = match together {
        true => {
            let members = runs.iter().enumerate().map(|(role, run)| Member {
                model: fresh(role),
                run,
            });
            let open = OpenStages::open(members.collect()).unwrap();
            open.train(&mut watch).unwrap()
        }
        false => runs
            .iter()
            .enumerate()
            .map(|(role, run)| {
                let mut model = fresh(role);
                watch.turn_to(run.stage.name());
                let outcome = train_stage(&mut model, run, &mut watch, &mut |_, _, _, _| Ok(()));
                (model, outcome.unwrap())
            })
            .collect(),
    };
    (outcomes, watch.steps)
}

/// The last loss, and the last on what is held out, of a stage that finished.
fn losses(outcome: &Outcome) -> [Option<f64>; 2] {
    let Outcome::Finished(report) = outcome else {
        panic!("interrupted");
    };
    [report.last_loss, report.last_validation_loss]
}

fn adapters(model: &mut Decoder) -> Vec<f32> {
    struct Take(Vec<f32>);
    impl ParameterVisitor for Take {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if path.contains(".lora_") {
                self.0.extend(parameter.value().into_data().iter::<f32>());
            }
        }
    }
    let mut take = Take(Vec::new());
    model.visit_all(&mut take);
    take.0
}

#[test]
fn together_each_becomes_what_it_becomes_alone() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (alone, _) = train(folders[0].path(), false, None);
    let (together, steps) = train(folders[1].path(), true, None);
    for (role, ((mut one, outcome), (mut other, expected))) in
        together.into_iter().zip(alone).enumerate()
    {
        let (Outcome::Finished(report), Outcome::Finished(wanted)) = (outcome, expected) else {
            panic!("stage {role} did not finish");
        };
        assert_eq!((report.steps, report.tokens), (wanted.steps, wanted.tokens));
        let losses = [
            (report.last_loss, wanted.last_loss),
            (report.last_validation_loss, wanted.last_validation_loss),
        ];
        for (found, wanted) in losses {
            assert!((found.unwrap() - wanted.unwrap()).abs() <= 1e-5);
        }
        let (found, wanted) = (adapters(&mut one), adapters(&mut other));
        let start = adapters(&mut fresh(role));
        let moved = wanted
            .iter()
            .zip(&start)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        let apart = wanted
            .iter()
            .zip(&found)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(moved > 1e-3, "stage {role} learned nothing: {moved}");
        assert!(apart <= 1e-6, "stage {role}: {apart:e}");
    }
    // Their steps are taken side by side.
    let first_of_last = steps
        .iter()
        .position(|(stage, _)| *stage == "caller")
        .unwrap();
    let last_of_first = steps
        .iter()
        .rposition(|(stage, _)| *stage == "planner")
        .unwrap();
    assert!(first_of_last < last_of_first, "{steps:?}");
}

#[test]
fn stopped_anywhere_they_go_on_to_the_same_weights() {
    let whole = tempfile::tempdir().unwrap();
    let (expected, steps) = train(whole.path(), true, None);
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(mut model, outcome)| (adapters(&mut model), losses(&outcome)))
        .collect();
    // The last one, too: told to stop there, its validation is still to be made.
    for &(stage, step) in steps.iter().step_by(5).chain(steps.last()) {
        let folder = tempfile::tempdir().unwrap();
        let (stopped, _) = train(folder.path(), true, Some((stage, step)));
        let interrupted = |outcome: &Outcome| matches!(outcome, Outcome::Interrupted(_));
        assert!(
            stopped.iter().any(|(_, outcome)| interrupted(outcome)),
            "{stage} {step}"
        );
        let (resumed, _) = train(folder.path(), true, None);
        for ((mut model, outcome), expected) in resumed.into_iter().zip(&expected) {
            assert_eq!(losses(&outcome), expected.1, "stopped after {stage} {step}");
            assert!(
                adapters(&mut model) == expected.0,
                "stopped after {stage} {step}"
            );
        }
    }
}
