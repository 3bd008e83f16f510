//! Run directories: whose they are, and what is removed from them.

use std::fs;

use crate::{folder, glpft, json, raw_source, set};

#[test]
fn another_recipe_is_refused_and_overwritten_on_demand() {
    let here = folder();
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
    let run = here.path().join("runs/sample");
    fs::write(run.join("notes.txt"), "mine").unwrap();
    fs::create_dir(run.join("models/global")).unwrap();
    let other = ["prepare", "sample", "--set=stage.global.lr=1e-3"];
    let told = glpft(here.path(), other).fails(
        2,
        &[
            "runs/sample",
            "stage.global.lr",
            "0.002",
            "0.001",
            "--overwrite",
        ],
    );
    assert!(!told.contains("stage.planner"), "{told}");
    assert!(run.join("models/global").exists());
    // A recipe of another name that decides the same is the same.
    glpft(
        here.path(),
        ["prepare", "sample", "--set=name=other", "--out=runs/sample"],
    )
    .ok();

    glpft(here.path(), other.iter().chain(&["--overwrite"])).ok();
    assert!(!run.join("models/global").exists());
    assert_eq!(fs::read_to_string(run.join("notes.txt")).unwrap(), "mine");
    let recipe = fs::read_to_string(run.join("recipe.toml")).unwrap();
    assert!(recipe.contains("lr = 0.001"), "{recipe}");
}

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let here = folder();
    let models = here.path().join("mine/models/precious");
    fs::create_dir_all(&models).unwrap();
    for more in [&[][..], &["--overwrite"]] {
        let arguments = ["prepare", "sample", "--out=mine"];
        glpft(here.path(), arguments.iter().chain(more)).fails(2, &["mine", "models/", "--out"]);
    }
    assert!(models.exists());
    assert_eq!(fs::read_dir(here.path().join("mine")).unwrap().count(), 1);
}

#[test]
fn an_unwritable_place_is_told() {
    let here = folder();
    fs::write(here.path().join("file"), "").unwrap();
    glpft(here.path(), ["prepare", "sample", "--out=file/run"]).fails(1, &["file/run", "file"]);
    glpft(here.path(), ["data", "export", "sample", "--to=file/data"])
        .fails(1, &["file/data", "file"]);
    glpft(here.path(), ["recipe", "copy", "sample", "file/mine.toml"])
        .fails(1, &["file/mine.toml"]);
}

#[test]
fn data_that_changed_are_made_again_until_something_was_trained_on_them() {
    let here = folder();
    let source = raw_source(here.path());
    let answers = source.join("answer/G2_answer");
    let arguments = ["prepare", "sample", &set("data.source", &source), "--json"];
    let prepare = || glpft(here.path(), arguments);
    let first = json(&prepare().ok());
    // A touched file has the same content.
    let touched = answers.join("101_ChatGPT_DFS_woFilter_w2.json");
    fs::write(&touched, fs::read(&touched).unwrap()).unwrap();
    assert_eq!(json(&prepare().ok())["reused"], true);

    let copy = answers.join("301_ChatGPT_DFS_woFilter_w2.json");
    fs::copy(&touched, &copy).unwrap();
    let second = json(&prepare().ok());
    assert_eq!(second["reused"], false);
    let records = |told: &serde_json::Value| told["report"]["source"]["report"]["records"].as_u64();
    assert_eq!(records(&second), records(&first).map(|count| count + 1));

    fs::create_dir_all(here.path().join("runs/sample/stages/global")).unwrap();
    fs::remove_file(&copy).unwrap();
    prepare().fails(2, &["runs/sample", "toolbench", "changed", "--overwrite"]);
    let overwritten = json(&glpft(here.path(), arguments.iter().chain(&["--overwrite"])).ok());
    assert_eq!(
        overwritten["report"]["datasets"],
        first["report"]["datasets"]
    );
}
