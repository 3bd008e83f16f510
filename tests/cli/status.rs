//! `glpft status`, `glpft doctor`, and the command line as others read it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Outcome, folder, glpft, json, smoke};

#[test]
fn a_run_says_how_far_it_is() {
    let here = folder();
    let run = [
        "run",
        "sample",
        "--set=arrangement=one-stage",
        "--out=runs/made",
    ];
    smoke(here.path(), &run).ok();
    let told = json(&glpft(here.path(), ["status", "runs/made", "--json"]).ok());
    assert_eq!(told["recipe"], "sample");
    assert!(told["held_by"].is_null());
    assert_eq!(told["prepared"], true);
    let stages = told["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 3);
    for stage in stages {
        assert_eq!(
            (&stage["state"], &stage["done"]),
            (&"finished".into(), &1.0.into())
        );
        assert_eq!(stage["steps"], 2);
        assert!(stage["loss"].as_f64().unwrap() > 0.0);
        assert!(stage["seconds_left"].is_null());
    }
    // A stage whose model is gone is one that stopped.
    fs::remove_dir_all(here.path().join("runs/made/models/summarizer")).unwrap();
    let told = glpft(here.path(), ["status", "runs/made"]).ok();
    let line = told.lines().find(|line| line.starts_with("summarizer"));
    assert!(line.unwrap().contains("stopped"), "{told}");
    assert!(told.contains("no process works on it"), "{told}");
    for part in [
        "1 thread\n",
        "packing tree, sampling trajectory",
        "recompute 0",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }

    // All runs of a folder, which is `runs` where none is named.
    let told = glpft(here.path(), ["status"]).ok();
    assert!(told.contains("made") && told.contains("2 of 3"), "{told}");
    let told = json(&glpft(here.path(), ["status", "--json"]).ok());
    assert_eq!(told["runs"].as_array().unwrap().len(), 1);
}

/// A run under way, as another process sees it.
#[test]
fn a_stage_to_come_counts_and_a_validation_is_told() {
    let here = folder();
    let run = ["run", "sample", "--set=arrangement=one-stage", "--out=made"];
    smoke(here.path(), &run).ok();
    let made = here.path().join("made");
    let status = || json(&glpft(here.path(), ["status", "made", "--json"]).ok());
    let finished = status();
    assert!(finished["seconds_left"].is_null());

    // The last stage has not begun: it takes as long as its tokens do at the rate of the one before.
    fs::remove_dir_all(made.join("models/summarizer")).unwrap();
    let log = made.join("stages/summarizer/train_log.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let waiting = status();
    assert_eq!(waiting["stages"][2]["state"], "waiting");
    let left = waiting["stages"][2]["seconds_left"].as_f64().unwrap();
    assert!(left > 0.0);
    assert_eq!(waiting["seconds_left"], left);
    let told = glpft(here.path(), ["status", "made"]).ok();
    assert!(told.lines().last().unwrap().starts_with("about "), "{told}");

    // A process is at work: it validates before the first step, trains, and validates after the last.
    let lease = crate::ownership::hold(&made, "run");
    let mut written = String::new();
    let mut states = Vec::new();
    for line in std::iter::once("").chain(lines.lines()) {
        written += line;
        written += if line.is_empty() { "" } else { "\n" };
        fs::write(&log, &written).unwrap();
        states.push(status()["stages"][2]["state"].clone());
    }
    assert_eq!(
        states,
        ["validating", "running", "running", "validating", "running"]
    );
    drop(lease);
    assert_eq!(status()["stages"][2]["state"], "stopped");
}

#[test]
fn one_bad_run_of_a_folder_is_a_row_of_its_own() {
    let here = folder();
    let run = [
        "run",
        "sample",
        "--set=arrangement=single",
        "--out=runs/a-study/runs/base/1/seed-42/single",
    ];
    smoke(here.path(), &run).ok();
    let broken = here.path().join("runs/broken");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("recipe.toml"), "[[[").unwrap();
    let told = glpft(here.path(), ["status"]).ok();
    let row = |name: &str| {
        let row = told.lines().find(|line| line.starts_with(name));
        row.unwrap_or_default().to_owned()
    };
    assert!(row("broken").contains("cannot be read: "), "{told}");
    let study = row("a-study/runs/base/1/seed-42/single");
    assert!(study.contains("1 of 1"), "{told}");
    let told = json(&glpft(here.path(), ["status", "--json"]).ok());
    let error = told["runs"][1]["error"].as_str().unwrap();
    assert!(error.contains("recipe.toml"), "{error}");
}

#[test]
fn where_there_is_no_run_yet_it_says_how_to_begin_one() {
    let here = folder();
    fs::create_dir_all(here.path().join("empty")).unwrap();
    for arguments in [&["status"][..], &["status", "empty"]] {
        let told = glpft(here.path(), arguments).ok();
        assert!(
            told.starts_with("no runs in ") && told.contains("glpft run RECIPE"),
            "{told}"
        );
    }
    let told = json(&glpft(here.path(), ["status", "--json"]).ok());
    assert_eq!(told["runs"], serde_json::json!([]));
    glpft(here.path(), ["status", "absent"]).fails(2, &["there is no directory absent"]);
}

#[test]
fn the_doctor_tells_what_is_there_and_what_is_missing() {
    let here = folder();
    let told = json(&glpft(here.path(), ["doctor", "--json"]).ok());
    assert_eq!(told["devices"][0]["name"], "cpu");
    assert!(told["devices"][0]["problem"].is_null());
    assert!(
        told["memory"]["total"].as_u64().unwrap() >= told["memory"]["available"].as_u64().unwrap()
    );
    let recipes = told["recipes"].as_array().unwrap();
    let of = |name: &str| {
        recipes
            .iter()
            .find(|recipe| recipe["name"] == name)
            .unwrap()
    };
    assert!(of("sample")["memory"].as_u64().unwrap() > 0);
    assert!(of("sample")["missing"].as_array().unwrap().is_empty());
    assert!(
        of("smollm2-135m")["missing"]
            .to_string()
            .contains("model.base")
    );
    let text = glpft(here.path(), ["doctor"]).ok();
    for part in [
        "cpu: ready",
        "smollm2-135m-lora",
        "`-`: the memory depends on a base model",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    // What limits the threads is named, and so is a folder that is not there.
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    command
        .current_dir(here.path())
        .arg("doctor")
        .env("RAYON_NUM_THREADS", "all")
        .env("OMP_NUM_THREADS", "1")
        .env("TMPDIR", here.path().join("gone"));
    let text = Outcome::of(&mut command).ok();
    for part in [
        "1 thread computes (OMP_NUM_THREADS=1 says so)",
        "RAYON_NUM_THREADS=all is not read",
        "gone: TMPDIR names it, and there is no such directory",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn shells_and_manuals_know_the_commands() {
    let here = folder();
    for shell in ["bash", "zsh", "fish"] {
        let script = glpft(here.path(), ["completions", shell]).ok();
        assert!(script.contains("quickstart"), "{shell}");
    }
    let told = json(&glpft(here.path(), ["man", "--to=pages", "--json"]).ok());
    assert!(told["written"].as_array().unwrap().len() > 20);
    let page = fs::read_to_string(here.path().join("pages/glpft-eval-live.1")).unwrap();
    assert!(page.contains("strategy"), "{page}");
}

/// Written anew by `GLPFT_GOLDEN=write`.
#[test]
fn the_reference_of_commands_is_what_the_program_says() {
    let here = folder();
    let found = glpft(here.path(), ["reference"]).ok();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/command-line.md");
    if std::env::var_os("GLPFT_GOLDEN").is_some_and(|value| value == "write") {
        fs::write(&path, &found).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == found,
        "{} is stale: GLPFT_GOLDEN=write cargo test --test cli reference writes it anew",
        path.display()
    );
}

#[test]
fn what_a_stopped_stage_has_not_saved_is_still_to_be_done() {
    let folder = folder();
    let path = folder.path();
    let run = ["run", "sample", "--set=arrangement=single", "--out=run"];
    smoke(path, &run).ok();
    // As a kill leaves it before the first checkpoint.
    for gone in ["models/global", "stages/global/checkpoint-2"] {
        std::fs::remove_dir_all(path.join("run").join(gone)).unwrap();
    }
    let told = json(&glpft(path, ["status", "run", "--json"]).ok());
    let stage = &told["stages"][0];
    assert_eq!(stage["state"], "stopped", "{told}");
    assert_eq!((&stage["steps"], &stage["done"]), (&0.into(), &0.0.into()));
}
