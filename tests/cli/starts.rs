//! Stages that start from a model of their own: with its tokenizer.

use std::fs;
use std::path::Path;

use crate::{copy_folder, folder, glpft, read_json, small_model, smoke};

/// A copy of a model whose tokenizer is another, if only by its fingerprint.
fn with_other_tokenizer(model: &Path, to: &Path) -> Vec<u8> {
    copy_folder(model, to);
    let path = to.join("tokenizer.json");
    let mut text = fs::read(&path).unwrap();
    text.push(b'\n');
    fs::write(path, &text).unwrap();
    text
}

fn tokenizer(run: &Path, dataset: &str) -> String {
    let report = read_json(&run.join("data/prepare.json"));
    let told = &report["datasets"][dataset]["tokenizer"];
    told.as_str().unwrap().to_owned()
}

#[test]
fn a_global_stage_from_a_directory_takes_its_tokenizer_and_hands_it_on() {
    let here = folder();
    let model = small_model(here.path());
    let other = with_other_tokenizer(&model, &here.path().join("other"));
    let run = here.path().join("runs/sample");
    // Relative: the run must go on from anywhere.
    let global = ["train", "sample", "--stage=global", "--from=other"];
    smoke(here.path(), &global).ok();
    let ours = tokenizer(&here.path().join("made"), "backbone");
    let theirs = tokenizer(&run, "backbone");
    assert_ne!(ours, theirs);
    assert!(fs::read(run.join("models/global/tokenizer.json")).unwrap() == other);
    let recipe = fs::read_to_string(run.join("recipe.toml")).unwrap();
    assert!(recipe.contains("base = \"random\""), "{recipe}");

    // A role starts from the global model, so it reads that one's tokens.
    smoke(here.path(), &["train", "sample", "--stage=caller"]).ok();
    assert_eq!(tokenizer(&run, "caller"), theirs);
    assert!(fs::read(run.join("models/caller/tokenizer.json")).unwrap() == other);
    // Unless it starts elsewhere.
    let from = format!("--from={}", model.display());
    smoke(here.path(), &["train", "sample", "--stage=planner", &from]).ok();
    assert_eq!(tokenizer(&run, "planner"), ours);
    smoke(here.path(), &["run", "sample"]).ok();
    assert_eq!(tokenizer(&run, "summarizer"), theirs);
    assert_eq!(tokenizer(&run, "caller"), theirs);
    assert_eq!(tokenizer(&run, "backbone"), theirs);
}

#[test]
fn a_role_of_the_recipe_may_start_from_a_directory() {
    let here = folder();
    let model = small_model(here.path());
    let other = with_other_tokenizer(&model, &here.path().join("other"));
    let from = ["run", "sample", "--set=stage.caller.from=other"];
    smoke(here.path(), &from).ok();
    let run = here.path().join("runs/sample");
    assert!(fs::read(run.join("models/caller/tokenizer.json")).unwrap() == other);
    assert_ne!(tokenizer(&run, "caller"), tokenizer(&run, "planner"));
    let summary = read_json(&run.join("summary.json"));
    let from = summary["stages"][2]["from"].as_str().unwrap();
    assert!(
        from.ends_with("other") && Path::new(from).is_absolute(),
        "{from}"
    );
}

#[test]
fn a_start_that_cannot_be_used_is_told_and_leaves_nothing() {
    let here = folder();
    let train = |from: &str| {
        let from = format!("--from={from}");
        smoke(here.path(), &["train", "sample", "--stage=global", &from])
    };
    train("nowhere").fails(2, &["--from", "nowhere"]);
    fs::create_dir(here.path().join("empty")).unwrap();
    train("empty").fails(2, &["--from", "empty", "config.json"]);
    assert!(!here.path().join("runs").exists());
    let base = ["prepare", "sample", "--set=model.base=nowhere"];
    glpft(here.path(), base).fails(2, &["recipe copy sample", "[model.random]"]);
}

#[test]
fn templates_that_change_under_a_trained_stage_are_refused() {
    let here = folder();
    let path = here.path().join("prompts.toml");
    let text = glpft_data::Prompts::builtin_text();
    fs::write(&path, text).unwrap();
    let arguments = [
        "--set=data.prompts=prompts.toml",
        "--set=arrangement=single",
    ];
    let train = |more: &[&str]| {
        let all = [&["train", "sample", "--stage=global"], &arguments[..], more].concat();
        smoke(here.path(), &all)
    };
    train(&[]).ok();
    fs::write(&path, format!("{text}\n# mine\n")).unwrap();
    // As a stage that was interrupted.
    fs::remove_dir_all(here.path().join("runs/sample/models/global")).unwrap();
    train(&[]).fails(2, &["prompts.toml", "changed", "--overwrite"]);
    train(&["--overwrite"]).ok();
}
