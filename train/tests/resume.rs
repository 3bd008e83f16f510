//! A stage that was interrupted and goes on ends where an uninterrupted one ends, bit for bit.

mod support;

use std::path::Path;

use glpft_checkpoints::list_checkpoints;
use glpft_recipes::{Backward, Moments, Schedule, StageRecipe};
use glpft_train::{LogRecord, Outcome, TrainError, learning_rate, read_log};
use support::stages::{Seen, Short, bits, fresh, log};
use support::{examples, recipe};

fn interrupted(outcome: Result<Outcome, TrainError>) -> u64 {
    match outcome {
        Ok(Outcome::Interrupted(checkpoint)) => checkpoint.step,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn interrupted_anywhere_is_uninterrupted() {
    let examples = examples(14, 40);
    for (lora, recompute, backward, moments) in [
        (false, 0, Backward::Whole, Moments::F32),
        (true, 0, Backward::Whole, Moments::F32),
        (true, 2, Backward::Whole, Moments::F32),
        (false, 0, Backward::LayerWise, Moments::F32),
        (true, 0, Backward::LayerWise, Moments::F32),
        (false, 0, Backward::Whole, Moments::Bf16),
        (false, 0, Backward::Whole, Moments::Int8),
        (true, 0, Backward::LayerWise, Moments::Int8),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let recipe = StageRecipe {
            recompute,
            backward,
            moments,
            ..recipe()
        };
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        let mut expected = fresh(lora);
        let outcome = Short::new(&recipe, &examples, &whole).train(&mut expected);
        let Ok(Outcome::Finished(report)) = outcome else {
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

        let in_pieces = Short::new(&recipe, &examples, &pieces);
        // After steps 3 and 6 it is in the validation that it is stopped.
        for stop_after in [0, 2, 3, 5, 6] {
            let piece = Short {
                stop_after,
                ..in_pieces
            };
            assert_eq!(interrupted(piece.train(&mut fresh(lora))), stop_after);
        }
        let mut resumed = fresh(lora);
        let mut seen = Seen::default();
        let outcome = in_pieces.watch(&mut resumed, &mut seen).expect("trains");
        assert!(matches!(outcome, Outcome::Finished(_)));
        assert!(seen.changes.is_empty(), "{:?}", seen.changes);
        assert!(bits(&mut resumed) == bits(&mut expected), "lora: {lora}");
        assert_eq!(log(&pieces), log(&whole));
    }
}

#[test]
fn told_to_save_a_stage_writes_a_checkpoint_and_goes_on() {
    let (examples, recipe) = (examples(6, 40), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let mut expected = fresh(false);
    Short::new(&recipe, &examples, &whole)
        .train(&mut expected)
        .expect("trains");
    // In the validation before the first step, and after a step.
    for save_after in [0, 1] {
        let directory = folder.path().join(format!("saved-{save_after}"));
        let told = Short {
            save_after,
            ..Short::new(&recipe, &examples, &directory)
        };
        let (mut model, mut seen) = (fresh(false), Seen::default());
        let outcome = told.watch(&mut model, &mut seen).expect("trains");
        assert!(matches!(outcome, Outcome::Finished(_)));
        assert_eq!(
            seen.checkpoints[0],
            directory.join(format!("checkpoint-{save_after}"))
        );
        assert!(bits(&mut model) == bits(&mut expected));
        assert_eq!(log(&directory), log(&whole));
    }
}

#[test]
fn a_checkpoint_of_other_training_is_refused_by_name_or_gone_on_from_anyway() {
    let (examples, recipe) = (examples(6, 40), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let stage = Short::new(&recipe, &examples, folder.path());
    let first = Short {
        stop_after: 1,
        ..stage
    };
    assert_eq!(interrupted(first.train(&mut fresh(false))), 1);

    let other = StageRecipe {
        lr: 0.5,
        ..recipe.clone()
    };
    let changed = Short {
        recipe: &other,
        data: "other",
        ..stage
    };
    let error = changed.train(&mut fresh(false)).expect_err("refused");
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    let told = error.to_string();
    for part in [
        "lr was 0.01 and is 0.5; the backbone dataset is another",
        "--resume-anyway",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let mut seen = Seen::default();
    let anyway = Short {
        resume_anyway: true,
        ..changed
    };
    let outcome = anyway.watch(&mut fresh(false), &mut seen).expect("trains");
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    assert_eq!(seen.steps[0].step, 2);
    assert_eq!(
        seen.changes,
        ["lr was 0.01 and is 0.5", "the backbone dataset is another"]
    );
}

#[test]
fn another_number_of_threads_is_told() {
    let (examples, recipe) = (examples(6, 40), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let stage = Short::new(&recipe, &examples, folder.path());
    let first = Short {
        stop_after: 1,
        ..stage
    };
    assert_eq!(interrupted(first.train(&mut fresh(false))), 1);
    let mut seen = Seen::default();
    let fewer = Short {
        threads: 1,
        ..stage
    };
    fewer.watch(&mut fresh(false), &mut seen).expect("trains");
    let [change] = &seen.changes[..] else {
        panic!("{:?}", seen.changes)
    };
    for part in ["cpu with 2 threads", "cpu with 1 thread:", "last digits"] {
        assert!(change.contains(part), "{change}");
    }
}

/// Trains 4 steps with `recipe`, then on with twice the epochs; where that ends, what it told and its directory's log.
fn lengthened(recipe: &StageRecipe, directory: &Path) -> (Vec<u32>, Seen) {
    let examples = examples(14, 40);
    let first = Short {
        stop_after: 4,
        ..Short::new(recipe, &examples, directory)
    };
    assert_eq!(interrupted(first.train(&mut fresh(false))), 4);
    let longer = StageRecipe {
        epochs: 2 * recipe.epochs,
        ..recipe.clone()
    };
    let (mut model, mut seen) = (fresh(false), Seen::default());
    let stage = Short::new(&longer, &examples, directory);
    stage.watch(&mut model, &mut seen).expect("trains");
    (bits(&mut model), seen)
}

#[test]
fn more_epochs_go_on_with_the_longer_stages_schedule() {
    let folder = tempfile::tempdir().expect("a folder");
    // Where the schedule does not hang on the length, that is the stage with so many epochs from its start.
    let constant = StageRecipe {
        schedule: Schedule::Constant,
        warmup_ratio: 0.0,
        ..recipe()
    };
    let (found, seen) = lengthened(&constant, &folder.path().join("constant"));
    assert!(seen.changes[0].contains("the learning rate is as in a stage of that length"));
    let longer = StageRecipe {
        epochs: 2 * constant.epochs,
        ..constant
    };
    let (examples, mut expected) = (examples(14, 40), fresh(false));
    let whole = folder.path().join("whole");
    Short::new(&longer, &examples, &whole)
        .train(&mut expected)
        .expect("trains");
    assert!(found == bits(&mut expected));

    let (_, seen) = lengthened(&recipe(), &folder.path().join("cosine"));
    let total = seen.steps.last().expect("steps").step as usize;
    for step in &seen.steps {
        assert_eq!(
            step.lr,
            learning_rate(&recipe(), step.step as usize - 1, total)
        );
    }

    // Fewer steps than are done already are none to train.
    let short = StageRecipe {
        max_steps: Some(3),
        ..recipe()
    };
    let stage = Short::new(&short, &examples, &whole);
    let error = Short {
        resume_anyway: true,
        ..stage
    }
    .train(&mut fresh(false))
    .expect_err("too short");
    assert!(error.to_string().contains("to have 3 steps now"), "{error}");
}

#[test]
fn the_last_checkpoints_stay_and_the_best() {
    let examples = examples(14, 40);
    let folder = tempfile::tempdir().expect("a folder");
    let steps = |directory: &Path| {
        let checkpoints = list_checkpoints(directory).expect("readable");
        checkpoints.iter().map(|one| one.step).collect::<Vec<_>>()
    };
    let recipe = StageRecipe {
        checkpoint_every: 2,
        eval_every: 1,
        ..recipe()
    };
    let last = folder.path().join("last");
    Short::new(&recipe, &examples, &last)
        .train(&mut fresh(false))
        .expect("trains");
    let kept = steps(&last);
    let total = *kept.last().expect("the last one is there");
    assert_eq!(kept.len(), 2, "{kept:?}");

    // So large a rate that the best is not the last.
    let best = StageRecipe {
        keep_best: true,
        keep_checkpoints: 1,
        lr: 0.3,
        ..recipe
    };
    let directory = folder.path().join("best");
    Short::new(&best, &examples, &directory)
        .train(&mut fresh(false))
        .expect("trains");
    let validations = read_log(&directory).expect("a log");
    let validations = validations.iter().filter_map(|record| match record {
        LogRecord::Validation(record) if record.step > 0 => {
            Some((record.validation_loss, record.step))
        }
        _ => None,
    });
    let (_, lowest) = validations
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .expect("validated");
    assert!(lowest < total, "choose another rate");
    assert_eq!(steps(&directory), [lowest, total]);
}

#[test]
fn nothing_to_train_on_is_said() {
    let (examples, recipe) = (examples(2, 40), recipe());
    let folder = tempfile::tempdir().expect("a folder");
    let error = Short::new(&recipe, &examples[..2], folder.path()).train(&mut fresh(false));
    assert!(
        matches!(error, Err(TrainError::NoExamples { .. })),
        "{error:?}"
    );
}
