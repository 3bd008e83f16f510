//! A step whose loss or gradient is not finite is not applied, and what follows is the recipe's choice.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Tensor;
use glpft_checkpoints::list_checkpoints;
use glpft_data::TokenExample;
use glpft_model::{Decoder, Parameter, ParameterVisitor};
use glpft_recipes::{Backward, OnNotFinite, StageRecipe};
use glpft_train::{Event, LogRecord, Outcome, TrainError, read_log};
use support::stages::{Seen, Short, bits, fresh, fresh_of, log};
use support::{examples, recipe};

/// A token that few examples hold.
const RARE: u32 = 47;

/// Multiplies every parameter whose path ends so.
struct Scale(&'static str, f64);

impl ParameterVisitor for Scale {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        if path.ends_with(self.0) {
            parameter.update(|value: Tensor<D>| value * self.1);
        }
    }
}

/// A model with frozen weights that have no number for one token: every step with that token has no loss.
fn with_a_bad_token() -> Decoder {
    struct Spoil;
    impl ParameterVisitor for Spoil {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if path == "model.embed_tokens.weight" {
                parameter.update(|value: Tensor<D>| {
                    let width = value.shape()[1];
                    let mut data = value.to_data().try_to_vec::<f32>().expect("floats");
                    data[RARE as usize * width..][..width].fill(f32::NAN);
                    let data = burn::tensor::TensorData::new(data, value.shape());
                    Tensor::from_data(data, &value.device())
                });
            }
        }
    }
    // Untied: else the head would have no number for that token, whatever the step reads.
    let mut model = fresh_of("qwen2-untied", true);
    model.visit_all(&mut Spoil);
    model
}

/// Examples of which the tenth trajectory alone has the rare token, in its prompt.
fn with_a_bad_example() -> Vec<TokenExample> {
    let mut examples = examples(14, 40);
    for example in &mut examples {
        if example.trajectory == 9 {
            example.tokens[0] = RARE;
        }
    }
    examples
}

fn skipping(policy: OnNotFinite, backward: Backward, clip_norm: f64) -> StageRecipe {
    StageRecipe {
        on_not_finite: policy,
        backward,
        clip_norm,
        ..recipe()
    }
}

/// The steps that were not applied, after checking that each step is in the log once.
fn not_applied(directory: &Path, total: u64) -> Vec<u64> {
    let (mut applied, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for record in read_log(directory).expect("a log") {
        let new = match record {
            LogRecord::Step(record) => applied.insert(record.step),
            LogRecord::Event(record) if record.event == Event::NotApplied => {
                assert!(record.of_examples.iter().any(|one| one.starts_with("9:")));
                left_out.insert(record.step)
            }
            _ => true,
        };
        assert!(new, "a step stands there twice");
    }
    assert!(applied.is_disjoint(&left_out));
    assert_eq!(applied.len() + left_out.len(), total as usize);
    left_out.into_iter().collect()
}

#[test]
fn a_step_that_is_left_out_changes_nothing_and_survives_an_interruption() {
    let examples = with_a_bad_example();
    for (backward, clip_norm) in [
        (Backward::Whole, 1.0),
        (Backward::LayerWise, 1.0),
        (Backward::LayerWise, 0.0),
    ] {
        let recipe = skipping(OnNotFinite::Skip, backward, clip_norm);
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        let (mut expected, mut seen) = (with_a_bad_token(), Seen::default());
        let outcome = Short::new(&recipe, &examples, &whole).watch(&mut expected, &mut seen);
        let Ok(Outcome::Finished(report)) = outcome else {
            panic!("{outcome:?}")
        };
        // Once an epoch.
        let left_out = not_applied(&whole, report.steps);
        assert_eq!((left_out.len(), report.not_applied), (2, 2), "{backward:?}");
        assert!(seen.events[0].what.contains("model.embed_tokens.weight"));
        assert!(
            report.last_validation_loss < report.first_validation_loss,
            "{report:?}"
        );

        // Interrupted right after the first of them.
        let stage = Short::new(&recipe, &examples, &pieces);
        let piece = Short {
            stop_after: left_out[0] + 1,
            ..stage
        };
        let stopped = piece.train(&mut with_a_bad_token());
        assert!(
            matches!(stopped, Ok(Outcome::Interrupted(_))),
            "{stopped:?}"
        );
        let mut resumed = with_a_bad_token();
        stage.train(&mut resumed).expect("trains");
        assert!(bits(&mut resumed) == bits(&mut expected), "{backward:?}");
        assert_eq!(log(&pieces), log(&whole));
    }
}

#[test]
fn a_lower_learning_rate_lasts() {
    let examples = with_a_bad_example();
    let folder = tempfile::tempdir().expect("a folder");
    let (skip, lower) = (folder.path().join("skip"), folder.path().join("lower"));
    let rates = |policy: OnNotFinite, directory: &Path| {
        let recipe = skipping(policy, Backward::Whole, 1.0);
        let mut seen = Seen::default();
        let stage = Short::new(&recipe, &examples, directory);
        stage
            .watch(&mut with_a_bad_token(), &mut seen)
            .expect("trains");
        seen.steps
    };
    let (usual, lowered) = (
        rates(OnNotFinite::Skip, &skip),
        rates(OnNotFinite::LowerLr, &lower),
    );
    let left_out = not_applied(&lower, usual.last().expect("steps").step);
    for (usual, lowered) in usual.iter().zip(&lowered) {
        let before = left_out.iter().filter(|&&step| step < usual.step).count();
        assert_eq!(
            lowered.lr,
            usual.lr * 0.5_f64.powi(before as i32),
            "{}",
            usual.step
        );
    }
}

#[test]
fn the_stage_ends_where_it_is_to_stop_or_has_left_out_enough() {
    let examples = with_a_bad_example();
    let stopping = skipping(OnNotFinite::Stop, Backward::Whole, 1.0);
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("stop");
    let error = Short::new(&stopping, &examples, &directory).train(&mut with_a_bad_token());
    let error = error.expect_err("stops").to_string();
    for part in [
        "stage global, step ",
        "the loss, like the weights of model.embed_tokens.weight,",
        "9:0",
        "on_not_finite",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let enough = StageRecipe {
        max_not_finite: 1,
        ..skipping(OnNotFinite::Skip, Backward::Whole, 1.0)
    };
    let directory = folder.path().join("enough");
    let error = Short::new(&enough, &examples, &directory).train(&mut with_a_bad_token());
    let error = error.expect_err("stops").to_string();
    assert!(
        error.contains("1 such steps were left out before it"),
        "{error}"
    );
}

#[test]
fn a_gradient_that_is_not_finite_is_found_before_anything_is_applied() {
    let examples = examples(14, 40);
    let folder = tempfile::tempdir().expect("a folder");
    for (number, (backward, clip_norm)) in [
        (Backward::Whole, 1.0),
        (Backward::Whole, 0.0),
        (Backward::LayerWise, 1.0),
        (Backward::LayerWise, 0.0),
    ]
    .into_iter()
    .enumerate()
    {
        // The loss is a number, but the gradient of what lies before the head is too large for one.
        let spoiled = || {
            let mut model = fresh(false);
            model.visit_all(&mut Scale("norm.weight", 1e16));
            model
        };
        let recipe = skipping(OnNotFinite::Skip, backward, clip_norm);
        let directory = folder.path().join(number.to_string());
        let mut model = spoiled();
        let error = Short::new(&recipe, &examples, &directory).train(&mut model);
        let error = error.expect_err("no step is finite");
        let TrainError::NotFinite { step: 4, what, .. } = &error else {
            panic!("{error}")
        };
        assert!(what.starts_with("the gradient of "), "{what}");
        assert!(
            bits(&mut model) == bits(&mut spoiled()),
            "{backward:?} {clip_norm}"
        );
    }
}

#[test]
fn weights_that_an_update_broke_are_not_saved() {
    let examples = examples(14, 40);
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = StageRecipe {
        lr: 1e30,
        warmup_ratio: 0.0,
        clip_norm: 0.0,
        checkpoint_every: 1,
        ..recipe()
    };
    let stage = Short::new(&recipe, &examples, folder.path());
    let error = stage.train(&mut fresh(false)).expect_err("diverges");
    let told = error.to_string();
    for part in [
        "cannot save step 1: ",
        " is not finite: an update before it was too large",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        list_checkpoints(folder.path())
            .expect("readable")
            .is_empty()
    );
    // Without a checkpoint in between the next loss tells.
    let recipe = StageRecipe {
        checkpoint_every: 0,
        ..recipe
    };
    let stage = Short::new(&recipe, &examples, folder.path());
    let error = stage.train(&mut fresh(false)).expect_err("diverges");
    assert!(
        matches!(error, TrainError::NotFinite { step: 2, .. }),
        "{error}"
    );
}
