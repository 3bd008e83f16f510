//! Models as others leave them: in hubs' caches, with tokens that the embedding lacks, with windows, in part.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{copy_folder, folder, glpft, read_json, set, small_model, smoke};

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
