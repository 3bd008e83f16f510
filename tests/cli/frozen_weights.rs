//! `model.weights`: adapters on weights that are held in fewer bits.

use std::fs;
use std::path::Path;

use glpft_checkpoints::{ModelConfig, ModelFiles};

use crate::perplexity::trained_from;
use crate::{folder, glpft, json, read_json, small_model, smoke};

/// A recipe of adapters on the small model.
fn recipe(directory: &Path, more: &str) {
    let base = small_model(directory);
    let text = format!(
        "[model]\nbase = {base:?}\nweights = \"nf4\"\n[data]\nsource = \"stages/raw_data_stage_2.json\"\n\
         [stage]\ntune = \"lora\"\nbatch = 4\nmax_length = 512\n{more}\
         [stage.lora]\ntarget_modules = [\"q_proj\", \"v_proj\", \"down_proj\"]\n"
    );
    fs::write(directory.join("mine.toml"), text).unwrap();
}

fn tensors(directory: &Path) -> Vec<(String, Vec<f32>)> {
    let config = ModelConfig::read(directory).unwrap();
    let files = ModelFiles::open(directory).unwrap();
    let tensors = config.tensors().into_iter();
    tensors
        .map(|tensor| {
            let values = files.read_f32(&tensor.name, &tensor.shape).unwrap();
            (tensor.name, values)
        })
        .collect()
}

/// How far the farthest value is.
fn distance(one: &Path, other: &Path) -> f32 {
    let (one, other) = (tensors(one), tensors(other));
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(&other).flat_map(|(one, other)| {
        assert_eq!(one.0, other.0);
        one.1.iter().zip(&other.1)
    });
    pairs.fold(0.0, |most, (one, other)| most.max((one - other).abs()))
}

#[test]
fn adapters_end_in_the_weights_of_the_files() {
    let here = folder();
    // So small a rate that the global model is its base, unless that was rounded.
    recipe(here.path(), "lr = 1e-12\n");
    trained_from(here.path(), "mine.toml", "--out=team", &[]);
    let base = here.path().join("made/models/global");
    let global = here.path().join("team/models/global");
    let moved = distance(&base, &global);
    assert!(moved < 1e-9, "{moved}");
    // At a usual rate it is not, where there are adapters.
    let usual = [
        "train",
        "mine.toml",
        "--stage=global",
        "--out=usual",
        "--set=stage.lr=0.01",
    ];
    smoke(here.path(), &usual).ok();
    let usual = tensors(&here.path().join("usual/models/global"));
    for ((name, before), (_, after)) in tensors(&base).iter().zip(&usual) {
        let is_adapted = ["q_proj", "v_proj", "down_proj"]
            .iter()
            .any(|part| name.contains(part));
        assert_eq!(before != after, is_adapted, "{name}");
    }
    let planner = here.path().join("team/models/planner");
    assert!(planner.join("adapter_config.json").is_file());
    // At work the weights are held as in training: the losses are the same.
    let command = [
        "eval",
        "perplexity",
        "team",
        "--data=held-out.json",
        "--json",
    ];
    let told = json(&glpft(here.path(), command).ok());
    let summary = read_json(&here.path().join("team/summary.json"));
    let mut compared = 0;
    for stage in summary["stages"].as_array().unwrap() {
        let name = stage["stage"].as_str().unwrap();
        let logged = stage["last_validation_loss"].as_f64().unwrap();
        let roles = told["roles"].as_array().unwrap();
        if let Some(role) = roles.iter().find(|role| role["role"] == name) {
            let found = role["loss"].as_f64().unwrap();
            assert!(
                (found - logged).abs() <= 1e-5 * logged,
                "{name}: {found} {logged}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 3, "{told} {summary}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_stage_goes_on_with_the_weights_that_it_had() {
    use crate::resume::interrupt_run_in;
    let here = folder();
    recipe(here.path(), "lr = 0.01\n");
    glpft(here.path(), ["data", "export", "sample", "--to=stages"]).ok();
    let run = |more: &[&str]| {
        let run = [
            "run",
            "mine.toml",
            "--max-steps=4",
            "--threads=1",
            "--quiet",
        ];
        glpft(here.path(), run.iter().chain(more))
    };
    run(&["--out=whole"]).ok();
    let (code, told) = interrupt_run_in(here.path(), "mine.toml", "planner");
    assert_eq!(code, 1, "{told}");
    let stopped = "--out=stopped";
    run(&[stopped, "--set=model.weights=int8"]).fails(2, &["model.weights", "nf4", "int8"]);
    run(&[stopped]).ok();
    for model in [
        "global/model",
        "planner/adapter_model",
        "caller/adapter_model",
    ] {
        let bytes = |run: &str| {
            let path = format!("{run}/models/{model}.safetensors");
            fs::read(here.path().join(path)).unwrap()
        };
        assert!(bytes("whole") == bytes("stopped"), "{model}");
    }
}

#[test]
fn what_cannot_be_held_so_is_refused() {
    let here = folder();
    let set = |settings: &[&str]| {
        let settings = settings.iter().map(|setting| format!("--set={setting}"));
        let all = ["run", "sample", "--dry-run"].map(str::to_owned);
        glpft(here.path(), all.into_iter().chain(settings))
    };
    set(&["model.weights=nf4"]).fails(2, &["model.weights", "stage.tune"]);
    set(&["model.weights=nf4", "stage.tune=lora"]).fails(2, &["model.weights", "at random"]);
    set(&["model.double_quantization=true"]).fails(2, &["model.double_quantization", "f32"]);
    set(&["model.weights=nf3"]).fails(2, &["nf4"]);
}
