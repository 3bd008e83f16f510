//! `glpft report`.

use std::fs;

use serde_json::json;

use crate::{folder, glpft, json, smoke};

#[test]
fn a_run_gets_its_page() {
    let here = folder();
    let run = ["run", "sample", "--set=arrangement=single", "--out=made"];
    smoke(here.path(), &run).ok();
    let told = json(&glpft(here.path(), ["report", "made", "--json"]).ok());
    assert_eq!(told, json!({"report": "made/report.html"}));
    let path = here.path().join("made/report.html");
    let read = || fs::read_to_string(&path).unwrap();
    let html = read();
    for part in [
        "<h1>sample",
        "finished",
        "<svg",
        "builtin:sample",
        "has not been evaluated",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("class=\"problem\""));
    // No path of the machine that is not in the recipe, and nothing left beside the page.
    assert!(
        !fs::read_dir(here.path().join("made"))
            .unwrap()
            .any(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.starts_with(".report")
            })
    );

    let told = json(&glpft(here.path(), ["report", "made", "--tensorboard", "--json"]).ok());
    assert_eq!(told["tensorboard"], "made/tensorboard");
    let events = here
        .path()
        .join("made/tensorboard/global/events.out.tfevents.0.glpft");
    let events = fs::read(events).unwrap();
    let losses = events.windows(10).filter(|part| part == b"train/loss");
    assert_eq!(losses.count(), 2);

    // What cannot be read is told on the page, and the rest is there.
    fs::write(here.path().join("made/summary.json"), "{").unwrap();
    let log = here.path().join("made/stages/global/train_log.jsonl");
    fs::write(log, "no record\n").unwrap();
    glpft(here.path(), ["report", "made"]).ok();
    let html = read();
    assert_eq!(html.matches("class=\"problem\"").count(), 2);
    assert!(html.contains("train_log.jsonl line 1") && html.contains("summary.json"));

    // Prepared, not trained.
    for gone in ["made/models/global", "made/stages/global"] {
        fs::remove_dir_all(here.path().join(gone)).unwrap();
    }
    glpft(here.path(), ["report", "made"]).ok();
    assert!(read().contains("Nothing is trained yet"));
}

#[test]
fn what_is_no_run_has_no_page() {
    let here = folder();
    glpft(here.path(), ["report", "nowhere"])
        .fails(2, &["RUN: nowhere is not a directory", "glpft run"]);
    glpft(here.path(), ["report", "."]).fails(2, &["holds no recipe.toml"]);
    fs::create_dir_all(here.path().join("runs/mine")).unwrap();
    fs::write(here.path().join("runs/mine/recipe.toml"), "nonsense").unwrap();
    glpft(here.path(), ["report", "mine"]).fails(2, &["did you mean runs/mine?"]);
    glpft(here.path(), ["report", "runs/mine"]).fails(2, &["recipe.toml:1"]);
    assert!(!here.path().join("runs/mine/report.html").exists());
}
