//! A stage that was interrupted and goes on ends where an uninterrupted one ends, bit for bit.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::FloatDType;
use glpft_checkpoints::{ComputedBy, Provenance};
use glpft_data::TokenExample;
use glpft_model::{Decoder, Parameter, ParameterVisitor, Trained};
use glpft_recipes::{Backward, Packing, Sampling, Stage, StageRecipe};
use glpft_train::{
    LogRecord, Observer, Outcome, StageRun, StepRecord, TrainError, read_log, train_stage,
};
use support::{attach, examples, model, recipe};

/// Sets the flag after some steps.
struct StopAfter<'a>(u64, &'a AtomicBool);

impl Observer for StopAfter<'_> {
    fn step(&mut self, record: &StepRecord) {
        if record.step == self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

fn fresh(lora: bool) -> Decoder {
    let mut model = model("llama", FloatDType::F32);
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

fn run(
    model: &mut Decoder,
    recipe: &StageRecipe,
    examples: &[TokenExample],
    directory: &Path,
    stop_after: u64,
    data: &str,
) -> Result<Outcome, TrainError> {
    let stop = AtomicBool::new(stop_after == 0);
    let (train, validation) = examples.split_at(examples.len() - 2);
    let (train, validation) = (train.to_vec(), validation.to_vec());
    let run = StageRun {
        stage: Stage::Global,
        recipe,
        seed: 1,
        sampling: Sampling::Trajectory,
        packing: Packing::Tree,
        train: &train,
        validation: &validation,
        directory,
        provenance: &Provenance::default(),
        resume_anyway: false,
        computed_by: &ComputedBy::default(),
        stop: &stop,
    };
    train_stage(
        model,
        &run,
        &mut StopAfter(stop_after, &stop),
        &mut |_, _, _, _| Ok(()),
    )
}

fn bits(model: &mut Decoder) -> Vec<u32> {
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
fn log(directory: &Path) -> Vec<serde_json::Value> {
    let records = read_log(directory).expect("a log");
    let timeless = |record| {
        let mut value = serde_json::to_value(record).expect("JSON");
        for key in ["seconds", "tokens_per_second", "memory"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        value
    };
    records.iter().map(timeless).collect()
}

#[test]
fn interrupted_twice_is_uninterrupted() {
    let examples = examples(14, 40);
    for (lora, recompute, backward) in [
        (false, 0, Backward::Whole),
        (true, 0, Backward::Whole),
        (true, 2, Backward::Whole),
        (false, 0, Backward::LayerWise),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let recipe = StageRecipe {
            recompute,
            backward,
            ..recipe()
        };
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        let mut expected = fresh(lora);
        let outcome =
            run(&mut expected, &recipe, &examples, &whole, u64::MAX, "data").expect("trains");
        let Outcome::Finished(report) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(report.steps >= 8, "{report:?}");
        assert!(report.last_loss < report.first_loss, "{report:?}");
        for record in read_log(&whole).expect("a log") {
            let LogRecord::Step(step) = record else {
                continue;
            };
            let budget = (step.micro_batches * recipe.micro_batch_tokens) as f64;
            assert!(step.micro_batches > 0 && step.recomputed_tokens < step.computed_tokens);
            assert_eq!(step.fill, step.computed_tokens as f64 / budget);
        }

        for stop_after in [0, 2, 5] {
            let outcome = run(
                &mut fresh(lora),
                &recipe,
                &examples,
                &pieces,
                stop_after,
                "data",
            );
            let Ok(Outcome::Interrupted(checkpoint)) = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!(checkpoint.step, stop_after);
        }
        let mut resumed = fresh(lora);
        let outcome =
            run(&mut resumed, &recipe, &examples, &pieces, u64::MAX, "data").expect("trains");
        assert!(matches!(outcome, Outcome::Finished(_)));
        assert!(bits(&mut resumed) == bits(&mut expected), "lora: {lora}");
        assert_eq!(log(&pieces), log(&whole));
    }
}

#[test]
fn a_checkpoint_of_other_data_is_refused() {
    let examples = examples(6, 40);
    let folder = tempfile::tempdir().expect("a folder");
    let stopped = run(
        &mut fresh(false),
        &recipe(),
        &examples,
        folder.path(),
        1,
        "data",
    );
    assert!(
        matches!(stopped, Ok(Outcome::Interrupted(_))),
        "{stopped:?}"
    );
    let error = run(
        &mut fresh(false),
        &recipe(),
        &examples,
        folder.path(),
        9,
        "other",
    )
    .expect_err("refused");
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
}

#[test]
fn a_loss_that_is_not_finite_stops_the_stage_and_names_the_step() {
    let mut examples = examples(6, 40);
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = StageRecipe {
        lr: 1e30,
        warmup_ratio: 0.0,
        clip_norm: 0.0,
        ..recipe()
    };
    let mut model = fresh(false);
    let error = run(
        &mut model,
        &recipe,
        &examples,
        folder.path(),
        u64::MAX,
        "data",
    )
    .expect_err("diverges");
    let TrainError::NotFinite {
        step,
        examples: ref named,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert!(step >= 2 && named.contains(':'), "{error}");

    // Nothing to train on is said, too.
    examples.truncate(2);
    let error = run(
        &mut fresh(false),
        &recipe,
        &examples,
        &folder.path().join("empty"),
        9,
        "data",
    );
    assert!(
        matches!(error, Err(TrainError::NoExamples { .. })),
        "{error:?}"
    );
}
