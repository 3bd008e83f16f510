//! Whole runs, in every arrangement, and stages by themselves.

use std::fs;
use std::path::Path;

use crate::{folder, glpft, json, read_json, smoke};

const ROLES: [&str; 3] = ["planner", "caller", "summarizer"];

fn models(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("models")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_run_leaves_its_models_and_is_finished() {
    let here = folder();
    let told = smoke(here.path(), &["run", "sample"]).ok();
    assert!(told.contains("glpft data inspect"), "{told}");
    let run = here.path().join("runs/sample");
    assert_eq!(models(&run), ["caller", "global", "planner", "summarizer"]);
    let summary = read_json(&run.join("summary.json"));
    for stage in summary["stages"].as_array().unwrap() {
        assert_eq!(stage["steps"], 2, "{stage}");
        assert!(stage["last_loss"].as_f64() > Some(0.0), "{stage}");
    }

    let again = smoke(here.path(), &["run", "sample"]);
    assert!(again.err.contains("is finished"), "{}", again.err);
    assert_eq!(again.ok(), "");
    let told = json(&smoke(here.path(), &["run", "sample", "--json"]).ok());
    assert_eq!(told["event"], "summary");
    assert_eq!(told["summary"], summary);

    // A stage by itself: refused while it is finished, then it alone is made anew.
    let caller = ["train", "sample", "--stage=caller"];
    smoke(here.path(), &caller).fails(2, &["caller is finished", "--overwrite"]);
    let planner = run.join("models/planner/model.safetensors");
    let before = fs::metadata(&planner).unwrap().modified().unwrap();
    let other = ["--overwrite", "--set=stage.caller.lr=1e-3"];
    let told = smoke(here.path(), &[&caller[..], &other].concat())
        .fails(2, &["stage.caller.lr", "another --out"]);
    assert!(!told.contains("--overwrite"), "{told}");
    let weights = run.join("models/caller/model.safetensors");
    let first = fs::read(&weights).unwrap();
    fs::write(run.join("models/caller/README.md"), "old").unwrap();
    smoke(here.path(), &[&caller[..], &["--overwrite"]].concat()).ok();
    assert!(fs::read(&weights).unwrap() == first);
    let card = fs::read_to_string(run.join("models/caller/README.md")).unwrap();
    assert_ne!(card, "old");
    assert_eq!(fs::metadata(&planner).unwrap().modified().unwrap(), before);

    // The summary went with the model that it told of, and came back with the new one; what the other stages came to is kept
    // beside them, and where even that is lost nothing fails.
    assert_ne!(read_json(&run.join("summary.json")), summary);
    fs::remove_file(run.join("summary.json")).unwrap();
    fs::remove_dir_all(run.join("stages/planner")).unwrap();
    smoke(here.path(), &["run", "sample", "--quiet"]).ok();
    let again = read_json(&run.join("summary.json"));
    let loss =
        |summary: &serde_json::Value, stage: usize| summary["stages"][stage]["last_loss"].clone();
    assert_eq!(loss(&again, 0), loss(&summary, 0));
    assert_eq!(
        again["stages"][0]["wall_seconds"],
        summary["stages"][0]["wall_seconds"]
    );
    assert!(loss(&again, 1).is_null());
}

#[test]
fn arrangements_train_what_they_say() {
    let here = folder();
    for (arrangement, wanted) in [
        ("single", &["global"][..]),
        ("multi-task", &["global"]),
        ("mixed", &["global"]),
        ("one-stage", &["caller", "planner", "summarizer"]),
    ] {
        let set = format!("--set=arrangement={arrangement}");
        let out = format!("--out={arrangement}");
        smoke(here.path(), &["run", "sample", &set, &out]).ok();
        assert_eq!(
            models(&here.path().join(arrangement)),
            wanted,
            "{arrangement}"
        );
    }
    let stage = [
        "train",
        "sample",
        "--stage=global",
        "--set=arrangement=one-stage",
    ];
    smoke(here.path(), &stage).fails(2, &["--stage", "one-stage", "global"]);
    let global = |run: &str| {
        let model = here
            .path()
            .join(run)
            .join("models/global/model.safetensors");
        fs::read(model).unwrap()
    };
    assert!(global("single") != global("multi-task"));

    // A team whose global stage reads every form of prompt: the roles start from what `mixed` makes.
    let prepared = [
        "run",
        "sample",
        "--set=global_data=mixed",
        "--out=global-mixed",
    ];
    smoke(here.path(), &prepared).ok();
    assert!(global("global-mixed") == global("mixed"));
    assert_eq!(models(&here.path().join("global-mixed")).len(), 4);
}

#[test]
fn the_stages_of_halves_share_nothing() {
    let here = folder();
    smoke(here.path(), &["run", "sample", "--set=reuse=false"]).ok();
    let run = here.path().join("runs/sample");
    assert_eq!(models(&run).len(), 4);
    let report = read_json(&run.join("data/prepare.json"));
    for role in ROLES {
        assert!(report["datasets"][role]["training_examples"].as_u64() > Some(0));
    }
}

#[test]
fn local_goes_on_with_the_roles_that_are_left() {
    let here = folder();
    let train = |stage: &str, more: &[&str]| {
        let stage = format!("--stage={stage}");
        smoke(here.path(), &[&["train", "sample", &stage], more].concat())
    };
    train("local", &[]).fails(2, &["global model", "--from"]);
    assert!(!here.path().join("runs").exists());
    train("global", &[]).ok();
    train("planner", &[]).ok();
    let told = train("local", &[]);
    assert!(told.err.contains("planner is finished"), "{}", told.err);
    let told = told.ok();
    assert!(!told.contains("planner:"), "{told}");
    assert!(told.contains("caller: model in") && told.contains("summarizer: model in"));
    train("local", &[]).fails(2, &["planner is finished", "--overwrite"]);
    // `run` has nothing left but to sum up.
    smoke(here.path(), &["run", "sample"]).ok();
    assert!(here.path().join("runs/sample/summary.json").exists());
    glpft(here.path(), ["run", "runs/sample", "--quiet"]).ok();
}
