//! `glpft recipe`, and recipes that cannot be used.

use crate::{folder, glpft, json};

#[test]
fn built_ins_are_listed_with_what_they_are() {
    let here = folder();
    let listed = glpft(here.path(), ["recipe", "list"]).ok();
    assert!(listed.starts_with("sample "), "{listed}");
    assert_eq!(listed.lines().count(), 13);
    let listed = json(&glpft(here.path(), ["recipe", "list", "--json"]).ok());
    assert_eq!(listed[0]["name"], "sample");
    assert_eq!(listed[0]["to_be_set"].as_array().unwrap().len(), 0);
    let recipes = listed.as_array().unwrap();
    let published = recipes
        .iter()
        .find(|recipe| recipe["name"] == "alpha-umi-7b");
    assert_eq!(published.unwrap()["to_be_set"][0], "data.source");
}

#[test]
fn a_copy_loads_to_what_is_shown_and_is_never_written_over() {
    let here = folder();
    let shown = glpft(here.path(), ["recipe", "show", "sample"]).ok();
    assert!(shown.contains("validation_fraction = 0.1"), "{shown}");
    glpft(here.path(), ["recipe", "copy", "sample", "mine.toml"]).ok();
    assert_eq!(
        glpft(here.path(), ["recipe", "show", "mine.toml"]).ok(),
        shown
    );
    glpft(here.path(), ["recipe", "copy", "alpha-umi-7b", "mine.toml"])
        .fails(1, &["mine.toml", "exists"]);
    assert_eq!(
        glpft(here.path(), ["recipe", "show", "mine.toml"]).ok(),
        shown
    );
    glpft(here.path(), ["recipe", "copy", "sampel", "other.toml"])
        .fails(2, &["did you mean `sample`?"]);
    let shown = glpft(here.path(), ["recipe", "show", "alpha-umi-7b"]).ok();
    assert!(shown.contains("# source = …   # to be set"), "{shown}");
}

#[test]
fn a_typo_names_file_line_and_the_nearest_key() {
    let here = folder();
    let text = "[stage]\nbatch = 4\n[stage.planner]\nepoch = 3\n";
    std::fs::write(here.path().join("mine.toml"), text).unwrap();
    let parts = ["mine.toml:4:1", "`epoch`", "did you mean `epochs`?"];
    glpft(here.path(), ["prepare", "mine.toml"]).fails(2, &parts);
    glpft(here.path(), ["recipe", "validate", "sample", "mine.toml"]).fails(2, &parts);
    assert!(!here.path().join("runs").exists());
    glpft(here.path(), ["prepare", "sampel"]).fails(2, &["did you mean `sample`?"]);
    glpft(
        here.path(),
        ["prepare", "sample", "--set", "stage.global.lr=-1"],
    )
    .fails(2, &["--set stage.global.lr=-1", "stage.global.lr"]);
    glpft(here.path(), ["prepare", "smollm2-135m"])
        .fails(2, &["data.source", "model.base", "--set data.source=PATH"]);
}

#[test]
fn good_recipes_are_told_with_what_is_to_be_set() {
    let here = folder();
    let told = glpft(
        here.path(),
        ["recipe", "validate", "sample", "alpha-umi-7b"],
    )
    .ok();
    assert_eq!(
        told,
        "sample: ok\nalpha-umi-7b: ok; to be set: data.source, model.base\n"
    );
}

#[test]
fn bad_usage_is_told_on_stderr_with_code_2() {
    let here = folder();
    for arguments in [
        &["prepare"][..],
        &["prepare", "sample", "--threads", "0"],
        &["prepare", "sample", "--set", "nothing"],
        &["data", "inspect", "sample", "--index", "1"],
        &["train", "sample"],
    ] {
        let outcome = glpft(here.path(), arguments);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""));
        assert!(outcome.err.starts_with("error: "), "{}", outcome.err);
    }
    assert!(!here.path().join("runs").exists());
}
