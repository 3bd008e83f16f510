//! `glpft quickstart`, on the smallest world.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{folder, glpft, json, read_json};

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["quickstart", "--size=tiny", "--threads=2"], more].concat()
}

#[test]
fn both_learn_are_measured_and_shown_and_nothing_is_done_twice() {
    let here = folder();
    let told = glpft(here.path(), tiny(&["--out=q", "--tasks=1", "--json"])).ok();
    let events: Vec<Value> = told.lines().map(json).collect();
    let report = &events.last().unwrap()["report"];
    let root = here.path().join("q");
    assert_eq!(*report, read_json(&root.join("quickstart.json")));
    for (place, name) in ["team", "single"].into_iter().enumerate() {
        let contestant = &report["contestants"][place];
        assert_eq!(contestant["contestant"], name);
        assert_eq!(contestant["live"][1]["report"]["tasks"], 6);
        for file in ["summary.json", "eval/static/metrics.json", "report.html"] {
            assert!(root.join(name).join(file).is_file(), "no {name}/{file}");
        }
    }
    let question = read_json(&root.join("question.json"));
    assert_eq!(question["messages"][0]["role"], "user");
    assert!(question["tools"][0]["function"]["name"].is_string());
    #[cfg(unix)]
    crate::serve::answers_the_question(&root);

    // Spelled otherwise, it is the same; more tasks are measured, nothing is trained or asked again.
    let kept = [
        "team/summary.json",
        "team/models/planner/model.safetensors",
        "single/eval/static/times.jsonl",
    ];
    let read = |name: &str| fs::read(root.join(name)).unwrap();
    let before = kept.map(read);
    let shown = glpft(here.path(), tiny(&["--out=./q", "--tasks=2"])).ok();
    for part in [
        "α-UMi",
        "Single-LLM",
        "pass, dfsdt",
        "12 held-out tasks",
        "question.json",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(kept.map(read) == before);

    // Moved, it is the same: its recipes follow.
    let moved = here.path().join("moved");
    fs::rename(&root, &moved).unwrap();
    glpft(here.path(), tiny(&["--out=moved", "--tasks=2", "--quiet"])).ok();
    let read = |name: &str| fs::read(moved.join(name)).unwrap();
    assert!(kept.map(read) == before);
    let recipe = fs::read_to_string(moved.join("team/recipe.toml")).unwrap();
    assert!(recipe.contains("moved/world\""), "{recipe}");
}

#[test]
fn another_world_or_somebodys_folder_is_left_alone() {
    let here = folder();
    let refused = |more: &[&str], parts: &[&str]| {
        glpft(here.path(), tiny(more)).fails(2, parts);
    };
    let root = here.path().join("q");
    fs::create_dir(&root).unwrap();
    let world = |seed: u64| {
        let size = glpft_world::Size::tiny();
        fs::write(
            root.join("world.json"),
            serde_json::json!({"seed": seed, "size": size}).to_string(),
        )
    };
    world(1).unwrap();
    refused(
        &["--out=q", "--seed=2"],
        &["--seed", "another world (seed 1", "--overwrite"],
    );
    let small = ["quickstart", "--out=q", "--size=small"];
    glpft(here.path(), small).fails(2, &["--size", "60 training tasks"]);
    fs::remove_file(root.join("world.json")).unwrap();
    fs::write(root.join("thesis.txt"), "mine").unwrap();
    refused(&["--out=q"], &["--out", "thesis.txt", "another directory"]);
    assert!(Path::new(&root.join("thesis.txt")).is_file());
    refused(&["--out=q2", "--seed=9223372036854775808"], &["--seed"]);
    assert!(!here.path().join("q2").exists());
}
