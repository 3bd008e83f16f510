//! `glpft compare`.

use std::fs;

use crate::{folder, glpft, json, smoke};

#[test]
fn runs_stand_side_by_side() {
    let here = folder();
    for (out, more) in [
        ("runs/one", "--set=seed=1"),
        ("runs/two", "--set=stage.global.lr=1e-3"),
    ] {
        let out = format!("--out={out}");
        smoke(
            here.path(),
            &["run", "sample", "--set=arrangement=single", &out, more],
        )
        .ok();
    }
    // A run that is not trained is compared as far as it is there.
    glpft(
        here.path(),
        ["prepare", "sample", "--out=runs/three", "--quiet"],
    )
    .ok();

    let runs = ["compare", "runs/one", "runs/two", "runs/three"];
    let told = glpft(here.path(), runs).ok();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("run"), "{told}");
    assert!(
        lines[1].starts_with("one") && lines[2].starts_with("two"),
        "{told}"
    );
    assert_eq!(lines.last(), Some(&"compare.html"), "{told}");
    assert!(!told.contains("three"), "{told}");

    let command = runs.iter().chain(&["--json", "--out=side.html"]);
    let told = json(&glpft(here.path(), command).ok());
    assert_eq!(told["page"], "side.html");
    let [one, two, three] = [0, 1, 2].map(|run| told["runs"][run].clone());
    assert_eq!(one["name"], "one");
    assert_eq!(one["stages"][0]["steps"], 2);
    assert!(one["stages"][0]["loss"].as_f64().unwrap() > 0.0);
    assert!(one["stages"][0]["held_out_loss"].as_f64().unwrap() > 0.0);
    assert_eq!(two["differences"]["stage.global.lr"], "0.001");
    assert_eq!(three["arrangement"], "glpft");
    assert_eq!(three["stages"][0]["steps"], 0);

    let html = fs::read_to_string(here.path().join("side.html")).unwrap();
    for part in [
        "3 runs",
        "stage.global.lr",
        "held-out loss",
        "<svg",
        "None of the runs was evaluated",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("<script"));
}
