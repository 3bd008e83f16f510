//! `glpft quickstart`, on the smallest world.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{folder, glpft, json, read_json};

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["quickstart", "--size=tiny", "--threads=2"], more].concat()
}

#[test]
fn every_stage_is_measured_and_shown_and_nothing_is_done_twice() {
    let here = folder();
    let told = glpft(here.path(), tiny(&["--out=q", "--tasks=1", "--json"])).ok();
    let events: Vec<Value> = told.lines().map(json).collect();
    let report = &events.last().unwrap()["report"];
    let root = here.path().join("q");
    assert_eq!(*report, read_json(&root.join("quickstart.json")));
    let rows = ["base", "global", "single", "team"];
    for (place, name) in rows.into_iter().enumerate() {
        let contestant = &report["contestants"][place];
        assert_eq!(contestant["contestant"], name);
        assert_eq!(contestant["live"][1]["report"]["tasks"], 6);
    }
    let tokens = |place: usize| report["contestants"][place]["tokens"].as_u64().unwrap();
    assert_eq!(tokens(0), 0);
    assert!(tokens(1) < tokens(3));
    for name in ["team", "single"] {
        for file in ["summary.json", "eval/static/metrics.json", "report.html"] {
            assert!(root.join(name).join(file).is_file(), "no {name}/{file}");
        }
    }
    for name in ["base", "global"] {
        let live = root
            .join("measured")
            .join(name)
            .join("live-react/live.json");
        assert!(live.is_file(), "no {}", live.display());
    }
    let page = fs::read_to_string(root.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("team/report.html"));
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
        "base model",
        "global stage (Single-LLM)",
        "Single-LLM, team's compute",
        "GLPFT team (α-UMi)",
        "held-out loss:",
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
