//! `glpft status`, `glpft doctor`, and the command line as others read it.

use std::fs;
use std::path::Path;

use crate::{folder, glpft, json, smoke};

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
    assert!(told.contains("no process is at work in it"), "{told}");

    // All runs of a folder, which is `runs` where none is named.
    let told = glpft(here.path(), ["status"]).ok();
    assert!(told.contains("made") && told.contains("2 of 3"), "{told}");
    let told = json(&glpft(here.path(), ["status", "--json"]).ok());
    assert_eq!(told["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_run_is_told_with_what_to_give() {
    let here = folder();
    fs::create_dir_all(here.path().join("empty")).unwrap();
    for (path, what) in [
        ("empty", "empty holds no run; give a run's directory"),
        ("absent", "absent is not a directory"),
    ] {
        glpft(here.path(), ["status", path]).fails(2, &[what]);
    }
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
    assert!(
        text.contains("cpu: ready") && text.contains("smollm2-135m-lora"),
        "{text}"
    );
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
