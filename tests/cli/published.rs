//! The published pipeline's own files and real tokenizers, where they are at hand.
//!
//! Reads `GLPFT_FIXTURES` (default: `shared` beside the repository) and `GLPFT_MODELS` (default: `models` in it);
//! what is absent is skipped.

use std::path::PathBuf;

use crate::{folder, glpft, json, read_json, set};

pub(crate) fn fixture(path: &str) -> Option<PathBuf> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("GLPFT_FIXTURES").map_or_else(default, PathBuf::from);
    there(root.join(path))
}

pub(crate) fn model(name: &str) -> Option<PathBuf> {
    match std::env::var_os("GLPFT_MODELS") {
        Some(root) => there(PathBuf::from(root).join(name)),
        None => fixture(&format!("models/{name}")),
    }
}

fn there(path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

#[test]
fn the_published_files_come_out_value_for_value() {
    let Some(sample) = fixture("data/toolbench-sample") else {
        return;
    };
    let here = folder();
    let source = set("data.source", &sample);
    glpft(
        here.path(),
        ["data", "export", "alpha-umi-7b", &source, "--to=out"],
    )
    .ok();
    for name in [
        "raw_data_stage_1",
        "raw_data_stage_2",
        "train_backbone",
        "train_planner",
        "train_caller",
        "train_summarizer",
    ] {
        let file = format!("{name}.json");
        let expected = read_json(&sample.join("expected").join(&file));
        assert!(
            read_json(&here.path().join("out").join(&file)) == expected,
            "{name}"
        );
    }
}

#[test]
fn real_trajectories_are_prepared_for_a_real_model() {
    let source = fixture("data/alpha-umi/train-example/raw_data/raw_data_stage_1.json");
    let (Some(source), Some(model)) = (source, model("smollm2-135m-instruct")) else {
        return;
    };
    let here = folder();
    let (source, model) = (set("data.source", source), set("model.base", model));
    let arguments = ["prepare", "smollm2-135m-lora", &source, &model, "--json"];
    let told = json(&glpft(here.path(), arguments).ok());
    let report = &told["report"];
    assert_eq!(report["source"]["form"], "stage-1");
    assert_eq!(report["source"]["report"]["kept"], 20);
    assert_eq!(report["queries"]["validation"], 1);
    for name in ["backbone", "planner", "caller", "summarizer"] {
        assert!(report["datasets"][name]["training_examples"].as_u64() > Some(0));
    }
}
