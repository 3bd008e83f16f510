//! `glpft export --format gguf` and `--for`: what other engines take.

use std::fs;
use std::path::Path;

use glpft_checkpoints::GgufFile;

use crate::{folder, glpft, json, read_json, smoke};

/// A run with a backbone and adapters for the roles.
fn team(here: &Path) {
    let lora = ["--set=stage.tune=lora", "--set=stage.lora.rank=4"];
    for stage in ["global", "planner", "caller", "summarizer"] {
        let stage = format!("--stage={stage}");
        smoke(here, &[&["train", "sample", &stage], &lora[..]].concat()).ok();
    }
}

#[test]
fn a_role_becomes_a_gguf_file_and_comes_back_bit_for_bit() {
    let here = folder();
    team(here.path());
    let export = |from: &str, arguments: &[&str]| {
        glpft(here.path(), [&["export", from], arguments].concat())
    };
    let role = |arguments: &[&str]| {
        export(
            "runs/sample",
            &[&["--role=planner", "--format=gguf"], arguments].concat(),
        )
    };
    let told = json(&role(&["--merge", "--type=f32", "--to=planner.gguf", "--json"]).ok());
    assert_eq!(
        (&told["adapter"], &told["type"]),
        (&false.into(), &"f32".into())
    );
    export("planner.gguf", &["--to=back"]).ok();
    export("runs/sample", &["--role=planner", "--merge", "--to=merged"]).ok();
    let weights = |name: &str| fs::read(here.path().join(name).join("model.safetensors")).unwrap();
    assert!(weights("back") == weights("merged"), "the weights differ");

    let told = json(&role(&["--to=lora.gguf", "--json"]).ok());
    assert_eq!(
        (&told["adapter"], &told["type"]),
        (&true.into(), &"f16".into())
    );
    let lora = GgufFile::open(&here.path().join("lora.gguf")).unwrap();
    assert_eq!(lora.text("general.type").unwrap(), Some("adapter"));
    assert!(
        lora.names()
            .all(|name| name.ends_with(".lora_a") || name.ends_with(".lora_b"))
    );

    role(&["--to=planner"]).fails(2, &["--to", ".gguf"]);
    role(&["--to=x.gguf", "--dtype=f32"]).fails(2, &["--dtype", "--type"]);
    role(&["--to=lora.gguf"]).fails(2, &["--to", "--overwrite"]);
    role(&["--to=lora.gguf", "--overwrite", "--type=q8_0"]).ok();
    export(
        "planner.gguf",
        &["--format=gguf", "--to=planner.gguf", "--overwrite"],
    )
    .fails(2, &["is what would be read"]);
    export("runs/sample", &["--role=planner", "--type=f32", "--to=y"])
        .fails(2, &["--type", "--format gguf"]);
    fs::write(here.path().join("mine.gguf"), "years").unwrap();
    role(&["--to=mine.gguf", "--overwrite"]).fails(2, &["not a GGUF file"]);
    assert_eq!(
        fs::read_to_string(here.path().join("mine.gguf")).unwrap(),
        "years"
    );
}

#[test]
fn a_team_is_laid_out_for_engines() {
    let here = folder();
    team(here.path());
    let export = |arguments: &[&str]| {
        glpft(
            here.path(),
            [&["export", "runs/sample"], arguments].concat(),
        )
    };
    let read = |path: &str| fs::read_to_string(here.path().join(path)).unwrap();
    assert_eq!(export(&["--for=vllm", "--to=v"]).ok(), "v\n");
    let script = read("v/start.sh");
    assert!(
        script.contains("vllm serve ./backbone --served-model-name backbone --enable-lora --max-loras 3 --max-lora-rank 8 \
                         --lora-modules planner=./planner caller=./caller summarizer=./summarizer"),
        "{script}"
    );
    for role in ["planner", "caller", "summarizer"] {
        let adapter = read_json(&here.path().join("v").join(role).join("adapter_config.json"));
        assert_eq!(adapter["base_model_name_or_path"], "backbone");
    }
    assert!(here.path().join("v/backbone/model.safetensors").is_file());
    assert!(
        read("v/README.md").contains("`summarizer` | the adapter in `summarizer` on `backbone`")
    );

    assert_eq!(
        export(&["--for=ollama", "--type=q8_0", "--to=o"]).ok(),
        "o\n"
    );
    let modelfile = read("o/Modelfile.caller");
    assert!(
        modelfile.starts_with("FROM ./backbone.gguf\nADAPTER ./caller.gguf\nTEMPLATE"),
        "{modelfile}"
    );
    assert!(modelfile.contains("PARAMETER stop \"</s>\""), "{modelfile}");
    assert!(GgufFile::open(&here.path().join("o/backbone.gguf")).is_ok());

    export(&["--for=vllm", "--to=v"]).fails(2, &["--overwrite"]);
    export(&["--for=vllm", "--to=v", "--overwrite", "--dtype=bf16"]).ok();
    export(&["--for=vllm", "--to=runs", "--overwrite"]).fails(2, &["choose another"]);
    export(&["--for=vllm", "--to=w", "--type=f16"]).fails(2, &["--type"]);
    export(&["--for=vllm", "--to=w", "--role=planner"]).fails(2, &["--role"]);
}

/// Roles that were trained in full are models of their own.
#[test]
fn whole_models_have_a_server_each() {
    let here = folder();
    smoke(here.path(), &["run", "sample"]).ok();
    let export = |arguments: &[&str]| {
        glpft(
            here.path(),
            [&["export", "runs/sample"], arguments].concat(),
        )
    };
    export(&["--for=vllm", "--to=v"]).ok();
    let script = fs::read_to_string(here.path().join("v/start.sh")).unwrap();
    assert!(
        script.contains(
            "vllm serve ./planner --served-model-name planner --port \"$((${PORT:-8000} + 0))\""
        ),
        "{script}"
    );
    assert_eq!(script.matches("vllm serve").count(), 3);
    export(&["--for=ollama", "--to=o"]).ok();
    let modelfile = fs::read_to_string(here.path().join("o/Modelfile.summarizer")).unwrap();
    assert!(
        modelfile.starts_with("FROM ./summarizer.gguf\nTEMPLATE"),
        "{modelfile}"
    );
}
