//! Interrupted is uninterrupted.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{folder, json, read_json, smoke};

const MODELS: [&str; 4] = ["global", "planner", "caller", "summarizer"];

/// Starts the sample's run, asks it to end after a step of `stage`, and gives the exit code and stderr.
fn interrupt_in(directory: &Path, stage: &str) -> (i32, String) {
    interrupt_run_in(directory, "sample", stage)
}

/// The same of another recipe.
pub fn interrupt_run_in(directory: &Path, recipe: &str, stage: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(directory)
        .args(["run", recipe, "--json", "--max-steps=4", "--threads=1"])
        .args(["--out=stopped"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let step = lines.find(|line| {
        let told = json(line.as_ref().unwrap());
        told["event"] == "step" && told["stage"] == stage
    });
    assert!(step.is_some(), "{stage} has no step");
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &process]).status();
    assert!(sent.unwrap().success());
    // Read to its end: a full pipe would hold the program up.
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap_or(-1), told)
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_models() {
    let here = folder();
    let whole = ["run", "sample", "--max-steps=4", "--out=whole", "--quiet"];
    smoke_of_four(here.path(), &whole);
    for stage in ["global", "summarizer"] {
        let (code, told) = interrupt_in(here.path(), stage);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("interrupted in stage"), "{told}");
        assert!(told.contains("the same command again"), "{told}");
        assert!(!here.path().join("stopped/summary.json").exists());
    }
    // What is for people alone may change in between.
    let again = [
        "run",
        "sample",
        "--max-steps=4",
        "--out=stopped",
        "--quiet",
        "--set=description=mine",
        "--set=name=mine",
    ];
    smoke_of_four(here.path(), &again);
    for model in MODELS {
        let read = |run: &str| {
            let path = format!("{run}/models/{model}/model.safetensors");
            fs::read(here.path().join(path)).unwrap()
        };
        assert!(read("whole") == read("stopped"), "{model}");
    }
    let stages =
        |run: &str| read_json(&here.path().join(run).join("summary.json"))["stages"].clone();
    let (whole, stopped) = (stages("whole"), stages("stopped"));
    for stage in 0..MODELS.len() {
        for key in [
            "stage",
            "steps",
            "first_loss",
            "last_loss",
            "first_validation_loss",
            "last_validation_loss",
            "tokens",
            "computed_tokens",
        ] {
            assert_eq!(whole[stage][key], stopped[stage][key], "{stage} {key}");
        }
    }
}

fn smoke_of_four(directory: &Path, arguments: &[&str]) {
    let threads = ["--threads=1"];
    crate::glpft(directory, arguments.iter().chain(&threads)).ok();
}

#[test]
fn a_killed_run_leaves_nothing_that_stops_the_next() {
    let here = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(here.path())
        .args(["run", "sample", "--json", "--threads=1", "--max-steps=2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().is_some());
    // While it lives nobody else may write there.
    smoke(here.path(), &["run", "sample"]).fails(1, &["runs/sample", "at work"]);
    child.kill().unwrap();
    child.wait().unwrap();
    smoke(here.path(), &["run", "sample", "--quiet"]).ok();
}
