//! What is told before anything is trained or removed.

use std::fs;

use crate::{folder, glpft, json, raw_source, read_json, set, small_model, smoke};

#[test]
fn a_wrong_last_stage_is_told_before_the_first() {
    let here = folder();
    let lora = [
        "run",
        "sample",
        "--set=stage.summarizer.tune=lora",
        "--set=stage.summarizer.lora.target_modules=query",
    ];
    let parts = ["stage.summarizer.lora.target_modules", "`query`", "q_proj"];
    smoke(here.path(), &lora).fails(2, &parts);
    smoke(here.path(), &[&lora[..], &["--dry-run"]].concat()).fails(2, &parts);
    smoke(here.path(), &["run", "sample", "--device=tpu"]).fails(2, &["tpu"]);
    assert!(!here.path().join("runs").exists());

    let model = small_model(here.path());
    let from = set("stage.summarizer.from", &model);
    let long = [
        "run",
        "sample",
        &from,
        "--set=stage.summarizer.max_length=4000",
    ];
    smoke(here.path(), &long).fails(2, &["stage.summarizer.max_length", "4000", "2048"]);
    let weights = model.join("model.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    smoke(here.path(), &["run", "sample", &from]).fails(1, &["model.safetensors"]);
    assert!(!here.path().join("runs").exists());
}

#[test]
fn a_pattern_of_no_projection_is_refused_before_anything_is_trained() {
    let here = folder();
    let with = |pattern: &str| {
        let pattern = format!("--set=stage.lora.{pattern}");
        smoke(
            here.path(),
            &["run", "sample", "--set=stage.tune=lora", &pattern],
        )
    };
    let parts = ["stage.global.lora.rank_pattern", "`k_proj` matches no"];
    with("rank_pattern={ q_proj = 2, k_proj = 2 }").fails(2, &parts);
    let parts = [
        "stage.global.lora.alpha_pattern",
        "`q(` is not a usable regular",
    ];
    with("alpha_pattern={ \"q(\" = 2 }").fails(2, &parts);
    assert!(!here.path().join("runs").exists());
}

#[test]
fn overwriting_with_what_cannot_be_used_removes_nothing() {
    let here = folder();
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
    let run = here.path().join("runs/sample");
    let precious = run.join("models/global/precious");
    fs::create_dir(run.join("models/global")).unwrap();
    fs::write(&precious, "hours").unwrap();
    for command in ["run", "prepare"] {
        for (wrong, code) in [
            ("data.source", 1),
            ("data.prompts", 1),
            ("stage.planner.from", 2),
        ] {
            let arguments = [command, "sample", "--overwrite", &set(wrong, "nowhere")];
            glpft(here.path(), arguments).fails(code, &["nowhere"]);
        }
    }
    let train = [
        "train",
        "sample",
        "--stage=global",
        "--overwrite",
        "--from=nowhere",
    ];
    glpft(here.path(), train).fails(2, &["--from"]);
    assert_eq!(fs::read_to_string(precious).unwrap(), "hours");
    assert!(run.join("data/prepare.json").exists());
}

#[test]
fn what_a_new_start_reads_is_not_removed_by_it() {
    let here = folder();
    let model = small_model(here.path());
    let parts = ["--overwrite", "models/global", "another --out"];
    let from = set("stage.caller.from", &model);
    for command in ["run", "prepare"] {
        let arguments = [command, "sample", "--out=made", "--overwrite", &from];
        glpft(here.path(), arguments).fails(2, &parts);
    }
    let train = ["train", "made", "--stage=global", "--overwrite"];
    let itself = [&train[..], &["--from=made/models/global"]].concat();
    smoke(here.path(), &itself).fails(2, &parts);
    smoke(here.path(), &[&train[..], &["--from=made"]].concat()).fails(2, &["--overwrite", "made"]);
    assert!(model.join("model.safetensors").exists());
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let here = folder();
    let dry = ["run", "sample", "--dry-run"];
    let told = smoke(here.path(), &dry).ok();
    for part in ["global", "summarizer", "memory", "about"] {
        assert!(told.contains(part), "{told}");
    }
    let told = json(&smoke(here.path(), &[&dry[..], &["--json"]].concat()).ok());
    let stages = told["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 4);
    assert_eq!(stages[1]["stage"], "planner");
    assert_eq!(stages[1]["from"], "global");
    assert_eq!(stages[1]["steps"], 2);
    assert!(stages[1]["about_memory_bytes"].as_u64() > Some(1 << 20));
    assert_eq!(
        smoke(here.path(), &[&dry[..], &["--quiet"]].concat()).ok(),
        ""
    );
    assert!(!here.path().join("runs").exists());
    // Of a run under way, what is left.
    smoke(here.path(), &["train", "sample", "--stage=global"]).ok();
    let told = json(&smoke(here.path(), &[&dry[..], &["--json"]].concat()).ok());
    assert_eq!(told["stages"].as_array().unwrap().len(), 3);
    let report = read_json(&here.path().join("runs/sample/data/prepare.json"));
    assert_eq!(report["datasets"].as_object().unwrap().len(), 1);
}

#[test]
fn a_dry_run_of_what_is_done_reads_no_data() {
    let here = folder();
    let source = raw_source(here.path());
    let run = ["run", "sample", &set("data.source", &source)];
    smoke(here.path(), &run).ok();
    fs::remove_dir_all(&source).unwrap();
    let told = smoke(here.path(), &[&run[..], &["--dry-run", "--json"]].concat()).ok();
    assert!(json(&told)["stages"].as_array().unwrap().is_empty());
}
