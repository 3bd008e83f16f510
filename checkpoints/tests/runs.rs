//! Checkpoints of a stage, the run's layout, and what a path on the command line means.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    BestValidation, ComputedBy, FloatType, LocationError, ModelLocation, Provenance, RunDirectory,
    StateError, TensorShape, TrainerState, UsualLoss, latest_checkpoint, list_checkpoints,
    open_optimizer, prune_checkpoints, write_checkpoint, write_json, write_optimizer,
};
use serde_json::json;
use support::{tiny, values};

fn state(step: u64) -> TrainerState {
    let map = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    TrainerState {
        stage: "planner".into(),
        step,
        epoch: 1,
        position: 17,
        seed: u64::MAX,
        total: 20,
        not_applied: 2,
        lr_factor: 0.25,
        usual_loss: UsualLoss {
            steps: 7,
            mean: 1.0 / 3.0,
            variance: 5e-324,
        },
        provenance: Provenance {
            recipe: map("lr", "0.1"),
            data: map("planner dataset", "d"),
        },
        earlier: Vec::new(),
        computed_by: ComputedBy {
            device: "cpu".into(),
            threads: 2,
            version: "1".into(),
            ranks: 1,
        },
        best_validation: Some(BestValidation {
            step: 3,
            loss: 0.1 + 0.2,
        }),
        validation_due: step.is_multiple_of(2),
    }
}

fn parameters() -> Vec<TensorShape> {
    vec![
        TensorShape::new("model.norm.weight", [8]),
        TensorShape::new("x", [2, 3]),
    ]
}

fn save(stage: &Path, step: u64) {
    write_checkpoint(stage, &state(step), |folder| {
        write_optimizer(folder, &parameters(), &mut |name: &str| {
            let size = if name.starts_with('x') { 6 } else { 8 };
            Ok::<_, String>(values(name, size))
        })
    })
    .expect("writable");
}

fn steps(stage: &Path) -> Vec<u64> {
    let checkpoints = list_checkpoints(stage).expect("readable");
    checkpoints
        .iter()
        .map(|checkpoint| checkpoint.step)
        .collect()
}

#[test]
fn a_checkpoint_round_trips() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(
        latest_checkpoint(&folder.path().join("absent")).expect("no stage yet"),
        None
    );
    save(folder.path(), 9);
    let found = latest_checkpoint(folder.path())
        .expect("readable")
        .expect("it is written");
    assert_eq!(found.state().expect("it is whole"), state(9));
    let optimizer = open_optimizer(&found.path, &parameters()).expect("it is whole");
    let moment = optimizer
        .read_f32("x.exp_avg_sq", &[2, 3])
        .expect("it is there");
    assert_eq!(moment, values("x.exp_avg_sq", 6));
    let error = open_optimizer(&found.path, &parameters()[..1]).expect_err("another model");
    assert!(
        error
            .to_string()
            .contains("unexpected: x.exp_avg, x.exp_avg_sq"),
        "{error}"
    );
}

#[test]
fn only_whole_checkpoints_count_and_the_last_ones_stay() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stage = folder.path();
    for step in [2, 10, 9, 100] {
        save(stage, step);
    }
    for name in [
        "checkpoint-200",
        "checkpoint-",
        "checkpoint-007",
        "checkpoint-+3",
        "else",
    ] {
        fs::create_dir(stage.join(name)).expect("writable");
    }
    fs::write(stage.join("checkpoint-300"), "a file").expect("writable");
    assert_eq!(steps(stage), [2, 9, 10, 100], "200 has no state");
    let failed = write_checkpoint(stage, &state(400), |_| {
        let full = std::io::ErrorKind::StorageFull.into();
        Err::<(), StateError>(glpft_checkpoints::FileError::new("write", stage, full).into())
    });
    assert!(failed.is_err());
    assert_eq!(steps(stage), [2, 9, 10, 100]);
    prune_checkpoints(stage, 2, Some(2)).expect("writable");
    assert_eq!(steps(stage), [2, 10, 100], "the best one stays");
    prune_checkpoints(stage, 0, None).expect("writable");
    assert_eq!(steps(stage), [100], "the last one always stays");
}

#[test]
fn what_changed_is_named() {
    let then = state(1).provenance;
    let mut now = then.clone();
    assert!(now.differences(&then).is_empty());
    now.recipe.insert("lr".into(), "0.2".into());
    now.recipe.insert("batch".into(), "4".into());
    now.data.insert("planner dataset".into(), "e".into());
    assert_eq!(
        now.differences(&then),
        [
            "batch was not set and is 4",
            "lr was 0.1 and is 0.2",
            "the planner dataset is another"
        ]
    );
    assert_eq!(then.differences(&now).len(), 3);
}

#[test]
fn a_state_that_cannot_be_continued_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut broken = state(1);
    broken.best_validation = Some(BestValidation {
        step: 1,
        loss: f64::NAN,
    });
    assert!(matches!(
        broken.write(folder.path()),
        Err(StateError::NotFinite { step: 1, .. })
    ));
    let path = folder.path().join("trainer_state.json");
    for (content, part) in [
        (
            json!({"format": 99, "state": 7}),
            "format 99, this program reads 2",
        ),
        (
            json!({"format": 2, "state": {"step": -1}}),
            "trainer_state.json",
        ),
        (json!({"step": 1}), "missing field `format`"),
        (json!([]), "trainer_state.json"),
    ] {
        write_json(&path, &content).expect("writable");
        let error = TrainerState::read(folder.path())
            .expect_err(part)
            .to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_run_has_its_layout_and_refuses_a_place_it_cannot_write() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("runs/sample");
    let run = RunDirectory::create(&root).expect("writable");
    assert_eq!(run.recipe(), root.join("recipe.toml"));
    assert_eq!(run.prepare(), root.join("data/prepare.json"));
    assert_eq!(run.stage("global"), root.join("stages/global"));
    assert_eq!(run.model("planner"), root.join("models/planner"));
    assert_eq!(run.summary(), root.join("summary.json"));
    assert!(RunDirectory::open(&root).is_err(), "no recipe yet");
    fs::write(run.recipe(), "").expect("writable");
    assert_eq!(RunDirectory::open(&root).expect("it is a run"), run);
    assert_eq!(RunDirectory::create(&root).expect("again"), run);
    let mut names: Vec<_> = fs::read_dir(&root)
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["data", "models", "recipe.toml", "stages"]);

    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    for bad in [file.clone(), file.join("below")] {
        let error = RunDirectory::create(&bad)
            .expect_err("a file is in the way")
            .to_string();
        assert!(error.contains("cannot create the run's folder"), "{error}");
    }
    let error = RunDirectory::open(&folder.path().join("absent")).expect_err("absent");
    assert!(error.is_not_found());
}

#[test]
fn leftovers_anywhere_in_a_run_are_cleaned() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = RunDirectory::create(folder.path()).expect("writable");
    let stage = run.stage("global");
    for leftover in [
        stage.join(".checkpoint-3.1-a-0.glpft-tmp"),
        run.model(".planner.1-a-1.glpft-tmp"),
        run.data().join(".examples.1-a-2.glpft-tmp"),
    ] {
        fs::create_dir_all(leftover.join("inner")).expect("writable");
    }
    save(&stage, 2);
    run.clean().expect("writable");
    assert_eq!(steps(&stage), [2]);
    assert_eq!(fs::read_dir(&stage).expect("readable").count(), 1);
    assert!(run.finished().expect("readable").is_empty());
    assert_eq!(fs::read_dir(run.data()).expect("readable").count(), 0);
}

#[test]
fn a_path_means_a_model_an_adapter_or_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = RunDirectory::create(folder.path()).expect("writable");
    let find = |path: &Path, role| ModelLocation::find(path, role);
    let error = find(folder.path(), None).expect_err("nothing is there yet");
    assert!(
        error
            .to_string()
            .contains("config.json (a model), adapter_config.json"),
        "{error}"
    );
    assert!(matches!(
        find(&folder.path().join("absent"), None),
        Err(LocationError::File(_))
    ));
    fs::write(run.recipe(), "").expect("writable");
    let error = find(folder.path(), None)
        .expect_err("no model yet")
        .to_string();
    assert!(error.contains("no finished model"), "{error}");

    let global = run.model("global");
    fs::create_dir(&global).expect("writable");
    let config = tiny().to_json(FloatType::F32);
    write_json(&global.join("config.json"), &config).expect("writable");
    let full = ModelLocation::Full(global.clone());
    assert_eq!(find(&global, None).expect("a model"), full);
    assert_eq!(find(&global, Some("planner")).expect("a model"), full);
    assert_eq!(find(folder.path(), None).expect("the only one"), full);
    let error = find(folder.path(), Some("planner"))
        .expect_err("not trained yet")
        .to_string();
    assert!(
        error.contains("no finished model `planner` yet, it has global"),
        "{error}"
    );

    let planner = run.model("planner");
    fs::create_dir(&planner).expect("writable");
    let adapter =
        json!({"r": 2, "target_modules": ["q_proj"], "base_model_name_or_path": "../global"});
    write_json(&planner.join("adapter_config.json"), &adapter).expect("writable");
    let found = find(folder.path(), Some("planner")).expect("an adapter");
    assert_eq!(found, find(&planner, None).expect("an adapter"));
    assert_eq!(found.tokenizer_directory(), planner.join("../global"));
    let error = find(folder.path(), None)
        .expect_err("which one?")
        .to_string();
    assert!(
        error.contains("a run with global, planner: say which with --role"),
        "{error}"
    );
    for role in ["..", ".", "../models/global", "/"] {
        let error = find(folder.path(), Some(role)).expect_err("not a role");
        assert!(matches!(error, LocationError::Unfinished { .. }), "{error}");
    }
}
