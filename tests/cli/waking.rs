//! Role adapters that wake at their turn: trained in one pass, asked, exported, and what they refuse.

use std::path::Path;

use super::{folder, glpft, json, read_json, smoke};

const WAKING: [&str; 4] = [
    "--set=data.layout=role-last",
    "--set=stage.tune=lora",
    "--set=stage.lora.wake=true",
    "--set=stage.lr=0.05",
];

fn run<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "sample", out], &WAKING[..], more].concat()
}

fn invocation(directory: &Path, role: &str) -> Vec<u64> {
    let config = directory.join(format!("models/{role}/adapter_config.json"));
    let ids = read_json(&config)["alora_invocation_tokens"].clone();
    serde_json::from_value(ids).unwrap()
}

#[test]
fn they_train_in_one_pass_answer_and_stay_adapters() {
    let folder = folder();
    let directory = folder.path();
    let told = smoke(directory, &run("--out=team", &["--json"])).ok();
    // The roles' steps are told in turn.
    let steps = told
        .lines()
        .map(json)
        .filter(|line| line["event"] == "step");
    let stages: Vec<String> = steps
        .map(|line| line["stage"].as_str().unwrap().to_owned())
        .filter(|stage| stage != "global")
        .collect();
    assert_eq!(stages.len(), 6);
    let position = |stage: &str| stages.iter().position(|one| one == stage).unwrap();
    let last = stages.iter().rposition(|one| one == "planner").unwrap();
    assert!(position("caller") < last, "{stages:?}");

    // Their examples are longer than a micro-batch; what they compute is not.
    let prepare = [
        "prepare",
        "sample",
        "--out=other",
        "--set=stage.micro_batch_tokens=64",
    ];
    let told = glpft(directory, [&prepare[..], &WAKING].concat()).err;
    assert!(
        told.contains("backbone: ") && !told.contains("planner: "),
        "{told}"
    );

    let team = directory.join("team");
    let invocations = ["planner", "caller", "summarizer"].map(|role| invocation(&team, role));
    assert!(invocations.iter().all(|ids| ids.len() > 1));
    assert!(invocations[0] != invocations[1] && invocations[1] != invocations[2]);

    // A role again, alone: the same trajectories in the same order.
    let before = std::fs::read(team.join("models/caller/adapter_model.safetensors")).unwrap();
    let again = [
        "train",
        "sample",
        "--out=team",
        "--stage=caller",
        "--overwrite",
    ];
    smoke(directory, &[&again, &WAKING[..]].concat()).ok();
    let after = std::fs::read(team.join("models/caller/adapter_model.safetensors")).unwrap();
    assert_eq!(before.len(), after.len());

    let source = directory.join("toolbench");
    glpft_data::sample::write_source(&source).unwrap();
    let converted = [
        "data",
        "convert",
        "toolbench",
        "--to",
        "held-out.json",
        "--form",
        "stage2",
    ];
    glpft(directory, converted).ok();
    let asked = [
        "eval",
        "static",
        "team",
        "--data=held-out.json",
        "--steps=4",
        "--max-new-tokens=8",
    ];
    glpft(directory, asked).ok();
    let measured = [
        "eval",
        "perplexity",
        "team",
        "--data=held-out.json",
        "--limit=3",
        "--json",
    ];
    let told = json(&glpft(directory, measured).ok());
    assert!(told["roles"][0]["loss"].as_f64().unwrap() > 0.0, "{told}");

    let refused = ["cannot be merged", "alora_invocation_tokens"];
    let export = ["export", "team", "--role=planner"];
    for more in [
        &["--to=whole", "--merge"][..],
        &["--to=whole.gguf", "--format=gguf", "--merge"],
    ] {
        glpft(directory, [&export[..], more].concat()).fails(1, &refused);
    }
    // llama.cpp takes such an adapter.
    let gguf = ["--to=planner.gguf", "--format=gguf"];
    glpft(directory, [&export[..], &gguf].concat()).ok();
    let file = std::fs::read(directory.join("planner.gguf")).unwrap();
    let key = b"adapter.alora.invocation_tokens";
    let at = file
        .windows(key.len())
        .position(|part| part == key)
        .unwrap()
        + key.len();
    let words = file[at..].chunks_exact(4);
    let words: Vec<u32> = words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .take(4 + invocations[0].len())
        .collect();
    // A list (9) of whole numbers (4), how many, and which.
    assert_eq!(words[..4], [9, 4, invocations[0].len() as u32, 0]);
    let found: Vec<u64> = words[4..].iter().map(|&id| id.into()).collect();
    assert_eq!(found, invocations[0]);
    glpft(directory, ["export", "team", "--for=vllm", "--to=serving"]).fails(1, &refused);
    glpft(
        directory,
        ["export", "team", "--role=planner", "--to=planner"],
    )
    .ok();
    let config = read_json(&directory.join("planner/adapter_config.json"));
    assert_eq!(
        config["alora_invocation_tokens"].as_array().unwrap().len(),
        invocations[0].len()
    );
}

#[test]
fn what_they_cannot_be_trained_on_is_told_first() {
    let folder = folder();
    let directory = folder.path();
    let one_stage = ["--set=arrangement=one-stage"];
    // The sample's base is in no files: no adapter could be put on it.
    smoke(directory, &run("--out=one", &one_stage))
        .fails(2, &["stage.planner.lora.wake", "cannot be merged"]);
    assert!(!directory.join("one").exists());
    let first = ["--set=data.layout=role-first"];
    smoke(directory, &run("--out=one", &first)).fails(2, &["data.layout = \"role-last\""]);
}
