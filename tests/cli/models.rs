//! Models as others leave them: in hubs' caches, with tokens that the embedding lacks, with windows, in part.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::{Outcome, copy_folder, folder, glpft, read_json, set, small_model, smoke};

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = read_json(path);
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn an_added_token_without_a_row_is_left_out_with_a_warning() {
    let here = folder();
    let own = small_model(here.path());
    let model = here.path().join("model");
    copy_folder(&own, &model);
    let tokenizer = model.join("tokenizer.json");
    let add = |id: u64, content: &str| {
        let token = json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true});
        edit(&tokenizer, |value| {
            value["added_tokens"].as_array_mut().unwrap().push(token);
        });
    };
    add(1280, "[PAD]");
    let warned = "\"[PAD]\" (1280) has no row in the model, which has 1280";
    let base = set("model.base", &model);
    let run = [
        "run",
        "smollm2-135m-lora",
        &base,
        "--set=data.source=builtin:sample",
        "--set=stage.max_length=1536",
        "--out=run",
    ];
    let told = smoke(here.path(), &run);
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(told.err.matches(warned).count(), 1, "{}", told.err);
    let told = glpft(here.path(), ["export", "model", "--to=x"]);
    assert!(told.code == 0 && told.err.contains(warned), "{}", told.err);
    let told = glpft(here.path(), ["export", "model", "--to=y", "--quiet"]);
    assert!(told.code == 0 && told.err.is_empty(), "{}", told.err);
    // What ends every text must have its row.
    add(1281, "[END]");
    fs::write(
        model.join("tokenizer_config.json"),
        r#"{"eos_token": "[END]"}"#,
    )
    .unwrap();
    glpft(here.path(), ["export", "model", "--to=z"]).fails(
        2,
        &["its end-of-sequence token \"[END]\" (1281) has no row"],
    );
}

#[test]
fn a_window_is_trained_with_and_kept() {
    let here = folder();
    let own = small_model(here.path());
    let model = here.path().join("model");
    copy_folder(&own, &model);
    edit(&model.join("config.json"), |config| {
        config["architectures"] = json!(["MistralForCausalLM"]);
        config["model_type"] = json!("mistral");
        config["sliding_window"] = json!(1536);
    });
    let base = set("model.base", &model);
    let train = |length: &str| {
        let length = format!("--set=stage.max_length={length}");
        let source = "--set=data.source=builtin:sample";
        smoke(
            here.path(),
            &[
                "run",
                "smollm2-135m-lora",
                &base,
                source,
                "--set=arrangement=single",
                &length,
                "--out=run",
            ],
        )
    };
    // Longer than the window, which is computed.
    let told = train("1537");
    assert_eq!(told.code, 0, "{}", told.err);
    glpft(here.path(), ["export", "model", "--to=copy"]).ok();
    assert_eq!(
        read_json(&here.path().join("copy/config.json"))["sliding_window"],
        1536
    );
}

#[cfg(unix)]
#[test]
fn a_hubs_cache_and_what_is_amiss_in_one_are_told() {
    let here = folder();
    let own = small_model(here.path());
    let root = here.path().join("models--a--tiny");
    fs::create_dir_all(root.join("snapshots")).unwrap();
    fs::create_dir(root.join("refs")).unwrap();
    fs::write(root.join("refs/main"), "abc").unwrap();
    let snapshot = root.join("snapshots/abc");
    copy_folder(&own, &snapshot);
    let export = |to: &str| glpft(here.path(), ["export", "models--a--tiny", to]);
    export("--to=x").ok();
    let (source, length) = (
        "--set=data.source=builtin:sample",
        "--set=stage.max_length=1536",
    );
    let base = set("model.base", &root);
    glpft(
        here.path(),
        ["run", "smollm2-135m", &base, source, length, "--dry-run"],
    )
    .ok();
    let weights = snapshot.join("model.safetensors");
    fs::remove_file(&weights).unwrap();
    std::os::unix::fs::symlink("../../blobs/gone", &weights).unwrap();
    export("--to=y").fails(1, &["it is a link to ../../blobs/gone, which is not there"]);
    fs::remove_file(&weights).unwrap();
    fs::write(&weights, "version https://git-lfs.github.com/spec/v1\n").unwrap();
    export("--to=y").fails(1, &["model.safetensors is a Git LFS pointer"]);
    let base = set("model.base", &weights);
    glpft(
        here.path(),
        ["run", "smollm2-135m", &base, source, length, "--dry-run"],
    )
    .fails(2, &["is a file (a Git LFS pointer", "give the directory"]);
}

#[test]
fn a_value_beyond_f16_is_refused_by_name() {
    let here = folder();
    let own = small_model(here.path());
    let path = own.join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&1e5_f32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let export = |dtype: &str| {
        glpft(
            here.path(),
            ["export", own.to_str().unwrap(), "--to=x", dtype],
        )
    };
    export("--dtype=f16").fails(1, &["as F16", "is 1e5", "bf16 and f32 hold it"]);
    assert!(!here.path().join("x").exists());
    export("--dtype=bf16").ok();
}

/// `glpft` with a hub's cache in `home`.
fn with_cache(directory: &Path, home: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    let cleared = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];
    for variable in cleared {
        command.env_remove(variable);
    }
    command.env("HF_HOME", directory.join(home));
    Outcome::of(command.current_dir(directory).args(arguments))
}

#[test]
fn a_name_on_the_hub_is_the_model_in_its_cache() {
    let here = folder();
    let own = small_model(here.path());
    let model = here.path().join("hf/hub/models--acme--tiny");
    fs::create_dir_all(model.join("snapshots")).unwrap();
    fs::create_dir_all(model.join("refs")).unwrap();
    fs::write(model.join("refs/main"), "0123abc").unwrap();
    copy_folder(&own, &model.join("snapshots/0123abc"));
    let cached = |arguments: &[&str]| with_cache(here.path(), "hf", arguments);
    let train = |base: &str, out: &str| {
        let (base, out) = (format!("--set=model.base={base}"), format!("--out={out}"));
        let stage = ["--stage=planner", "--max-steps=2", "--threads=1"];
        let rest = [
            "train",
            "smollm2-135m-lora",
            "--set=data.source=builtin:sample",
            "--set=arrangement=one-stage",
            "--set=stage.max_length=1536",
            &out,
            &base,
        ];
        cached(&[&rest[..], &stage[..]].concat())
    };
    train("acme/tiny", "run").ok();
    // Recorded by its name, as PEFT takes it.
    let recipe = fs::read_to_string(here.path().join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("base = \"acme/tiny\""), "{recipe}");
    let adapter = |path: &str| read_json(&here.path().join(path).join("adapter_config.json"));
    let trained = adapter("run/models/planner");
    assert_eq!(trained["base_model_name_or_path"], "acme/tiny");
    assert_eq!(trained["revision"], Value::Null);
    // The run goes on, and its adapter finds its base.
    cached(&[
        "train",
        "run",
        "--stage=caller",
        "--max-steps=2",
        "--threads=1",
    ])
    .ok();
    cached(&["export", "run", "--role=planner", "--to=adapter"]).ok();
    assert_eq!(adapter("adapter"), trained);
    cached(&["export", "run", "--role=planner", "--merge", "--to=whole"]).ok();
    cached(&["export", "acme/tiny@0123abc", "--to=copy"]).ok();
    assert!(here.path().join("copy/config.json").exists());

    let absent = "`hf download acme/tiny` fetches it";
    let other = |arguments: &[&str]| with_cache(here.path(), "other", arguments);
    other(&["export", "acme/tiny", "--to=x"]).fails(2, &["other/hub", absent]);
    other(&["export", "run", "--role=planner", "--to=x"])
        .fails(1, &["other/hub/models--acme--tiny", "--base"]);
    train("acme/tiny@v2", "x").fails(2, &["does not hold this revision", "--revision v2"]);
    // A folder that exists is meant.
    fs::create_dir_all(here.path().join("acme/tiny")).unwrap();
    train("acme/tiny", "x").fails(1, &["there is no model in", "/acme/tiny"]);
}
