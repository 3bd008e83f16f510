//! `--ranks`, and what launchers of several processes tell the program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::{Outcome, folder, json, read_json, smoke};

/// A run's steps, as its log has them.
fn steps(run: &Path) -> Vec<Value> {
    let log = std::fs::read_to_string(run.join("stages/global/train_log.jsonl")).unwrap();
    let records = log.lines().map(json);
    records.filter(|record| record["loss"].is_f64()).collect()
}

#[test]
fn ranks_train_what_one_rank_trains() {
    let folder = folder();
    let path = folder.path();
    smoke(path, &["run", "sample", "--out=one"]).ok();
    let told = smoke(path, &["run", "sample", "--out=two", "--ranks=2"]);
    assert!(told.err.contains("2 ranks waiting"), "{}", told.err);
    told.ok();
    let (one, two) = (steps(&path.join("one")), steps(&path.join("two")));
    assert_eq!((one.len(), two.len()), (2, 2));
    for (one, two) in one.iter().zip(&two) {
        let loss = |step: &Value| step["loss"].as_f64().unwrap();
        assert!((loss(one) - loss(two)).abs() < 1e-5, "{one} {two}");
        assert_eq!(one["tokens"], two["tokens"]);
        assert_eq!(two["rank_seconds"].as_array().unwrap().len(), 2);
    }
    // What the second one did for it.
    let log = std::fs::read_to_string(path.join("two/logs/rank-1.jsonl")).unwrap();
    let stages = log.lines().map(json).filter(|line| line["total"] == 2);
    assert_eq!(stages.count(), 4, "{log}");
    let state = read_json(&path.join("two/stages/global/trainer_state.json"));
    assert_eq!(state["state"]["computed_by"]["ranks"], 2);
    // Another number of ranks goes on from there, and says so.
    let more = [
        "train",
        "two",
        "--stage=global",
        "--set=stage.global.max_steps=3",
        "--threads=1",
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    std::fs::remove_dir_all(path.join("two/models/global")).unwrap();
    let told = Outcome::of(command.current_dir(path).args(more));
    assert!(told.err.contains("on each of 2 ranks"), "{}", told.err);
    told.ok();
}

#[test]
fn killed_ranks_go_on_to_the_same_models() {
    let folder = folder();
    let path = folder.path();
    let run = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
        command
            .current_dir(path)
            .args([
                "run",
                "sample",
                "--ranks=2",
                "--threads=1",
                "--max-steps=4",
                "--quiet",
            ])
            .args(["--set=stage.checkpoint_every=1", &format!("--out={out}")]);
        command
    };
    Outcome::of(&mut run("whole")).ok();
    for after in [200, 500, 900] {
        let mut child = run("killed").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    Outcome::of(&mut run("killed")).ok();
    for stage in ["global", "planner", "caller", "summarizer"] {
        let model = format!("models/{stage}/model.safetensors");
        let read = |run: &str| std::fs::read(path.join(run).join(&model)).unwrap();
        assert!(read("whole") == read("killed"), "{stage}");
    }
}

#[test]
fn an_error_of_the_run_is_told_once() {
    let folder = folder();
    let run = ["run", "sample", "--ranks=3", "--set=data.source=nothing"];
    let told = smoke(folder.path(), &run);
    assert_eq!(told.err.matches("error: ").count(), 1, "{}", told.err);
    told.fails(1, &["nothing"]);
}

#[cfg(not(feature = "mpi"))]
#[test]
fn processes_that_a_launcher_started_are_no_copies_of_one_run() {
    let folder = folder();
    let started = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
        command
            .current_dir(folder.path())
            .env("OMPI_COMM_WORLD_SIZE", "2")
            .env("OMPI_COMM_WORLD_RANK", "1")
            .args(arguments);
        Outcome::of(&mut command)
    };
    started(&["run", "sample"]).fails(
        2,
        &["OMPI_COMM_WORLD_SIZE", "2 processes", "--features mpi"],
    );
    started(&["run", "sample", "--ranks=2"]).fails(2, &["leave --ranks out"]);
    started(&["prepare", "sample"]).fails(
        2,
        &["only `glpft run` and `glpft train` can use several processes"],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
