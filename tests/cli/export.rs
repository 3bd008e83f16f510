//! `glpft export`.

use std::fs;

use crate::{folder, glpft, json, read_json, smoke};

#[test]
fn adapters_are_exported_as_they_are_or_merged() {
    let here = folder();
    let lora = "--set=stage.tune=lora";
    for stage in ["--stage=global", "--stage=planner"] {
        smoke(here.path(), &["train", "sample", lora, stage]).ok();
    }
    let run = here.path().join("runs/sample");
    assert!(run.join("models/global/config.json").exists());
    assert!(run.join("models/planner/adapter_config.json").exists());
    let export = |arguments: &[&str]| {
        let all = [&["export", "runs/sample", "--role=planner"], arguments].concat();
        glpft(here.path(), all)
    };
    let told = json(&export(&["--to=adapter", "--json"]).ok());
    assert_eq!(told["adapter"], true);
    assert_eq!(told["role"], "planner");
    let adapter = read_json(&here.path().join("adapter/adapter_config.json"));
    let base = adapter["base_model_name_or_path"].as_str().unwrap();
    assert!(std::path::Path::new(base).is_absolute(), "{base}");
    // What is said of the model goes with it.
    let card = |path: &str| fs::read_to_string(here.path().join(path).join("README.md")).unwrap();
    assert_eq!(card("adapter"), card("runs/sample/models/planner"));

    assert_eq!(
        export(&["--to=merged", "--merge", "--dtype=bf16"]).ok(),
        "merged\n"
    );
    let merged = here.path().join("merged");
    assert_eq!(read_json(&merged.join("config.json"))["dtype"], "bfloat16");
    let size = |path: &std::path::Path| fs::metadata(path.join("model.safetensors")).unwrap().len();
    let whole = size(&run.join("models/global"));
    assert!(size(&merged) < whole * 6 / 10, "{} {whole}", size(&merged));
    // It is a model like any other: a stage starts from it.
    let from = ["train", "sample", lora, "--stage=caller", "--from=merged"];
    smoke(here.path(), &from).ok();

    export(&["--to=merged"]).fails(2, &["--to", "merged", "--overwrite"]);
    assert_eq!(export(&["--to=merged", "--overwrite", "--quiet"]).ok(), "");
    assert!(!merged.join("config.json").exists());
    assert!(merged.join("adapter_config.json").exists());
}

/// Published adapters name a hub's model, or a path on another machine.
#[test]
fn a_base_is_given_to_an_adapter_or_named_in_it() {
    let here = folder();
    let lora = "--set=stage.tune=lora";
    for stage in ["--stage=global", "--stage=planner"] {
        smoke(here.path(), &["train", "sample", lora, stage]).ok();
    }
    let role = ["export", "runs/sample", "--role=planner"];
    let named = [&role[..], &["--to=named", "--base-name=someone/a-model"]].concat();
    glpft(here.path(), &named).ok();
    let config = here.path().join("named/adapter_config.json");
    let base = |config| read_json(config)["base_model_name_or_path"].clone();
    assert_eq!(base(&config), "someone/a-model");
    let export = |arguments: &[&str]| {
        let all = [&["export", "named", "--to=new"], arguments].concat();
        glpft(here.path(), all)
    };
    export(&["--merge"]).fails(1, &["someone/a-model", "--base DIR"]);
    let global = "--base=runs/sample/models/global";
    export(&["--merge", global]).ok();
    assert!(here.path().join("new/config.json").exists());
    export(&[global, "--overwrite"]).ok();
    let absolute = here.path().join("runs/sample/models/global").canonicalize();
    let config = here.path().join("new/adapter_config.json");
    assert_eq!(base(&config), absolute.unwrap().to_str().unwrap());
    // It belongs to that base alone, and a whole model to none.
    let merged = ["export", "new", "--merge", "--to=merged"];
    glpft(here.path(), merged).ok();
    let other = ["--base=merged", "--merge", "--overwrite"];
    export(&other).fails(1, &["other weights"]);
    let whole = ["export", "merged", "--to=copy", "--base=merged"];
    glpft(here.path(), whole).fails(2, &["--base", "whole model"]);
    let both = ["--merge", "--base-name=a/b"];
    export(&both).fails(2, &["--base-name"]);
}

#[test]
fn a_moved_run_names_its_bases_anew() {
    let here = folder();
    let run = |out: &str| {
        let out = format!("--out={out}");
        smoke(
            here.path(),
            &["run", "sample", "--set=stage.tune=lora", &out],
        )
    };
    run("first").ok();
    let base = |run: &str| {
        let config = here
            .path()
            .join(run)
            .join("models/planner/adapter_config.json");
        let name = read_json(&config)["base_model_name_or_path"].clone();
        name.as_str().unwrap().to_owned()
    };
    let global = |run: &str| {
        let global = here.path().join(run).join("models/global");
        global.canonicalize().unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(base("first"), global("first"));
    fs::rename(here.path().join("first"), here.path().join("second")).unwrap();
    // It is found beside the adapter.
    let export = ["export", "second", "--role=planner", "--to=planner"];
    glpft(here.path(), export).ok();
    assert!(base("second").contains("first"));
    run("second").ok();
    assert_eq!(base("second"), global("second"));
}

#[test]
fn models_keep_the_type_of_their_base() {
    let here = folder();
    let dtype =
        |path: &str| read_json(&here.path().join(path).join("config.json"))["dtype"].clone();
    let single = |arguments: &[&str]| {
        let all = [
            "train",
            "sample",
            "--stage=global",
            "--set=arrangement=single",
        ];
        smoke(here.path(), &[&all[..], arguments].concat())
    };
    single(&["--out=plain"]).ok();
    assert_eq!(dtype("plain/models/global"), "float32");
    let export = ["export", "plain", "--to=half", "--dtype=bf16"];
    glpft(here.path(), export).ok();
    assert_eq!(dtype("half"), "bfloat16");
    single(&["--from=half", "--out=from-half"]).ok();
    assert_eq!(dtype("from-half/models/global"), "bfloat16");
    glpft(here.path(), ["export", "from-half", "--to=again"]).ok();
    assert_eq!(dtype("again"), "bfloat16");
    single(&["--from=half", "--out=single", "--set=model.dtype=f32"]).ok();
    assert_eq!(dtype("single/models/global"), "float32");
}

#[test]
fn a_killed_export_leaves_nothing_that_stays() {
    let here = folder();
    smoke(here.path(), &["train", "sample", "--stage=global"]).ok();
    let export = ["export", "runs/sample", "--role=global", "--to=models/new"];
    let data = ["data", "export", "sample", "--to=files"];
    let tokens = [&data[..], &["--tokens"]].concat();
    let generate = ["world", "generate", "w/world", "--size=tiny"];
    let commands: [(&str, &[&str]); 4] = [
        ("models/.new.1-a-0.glpft-tmp", &export),
        ("files/.train_caller.json.1-a-0.glpft-tmp", &data),
        ("files/.train_caller.jsonl.1-a-0.glpft-tmp", &tokens),
        ("w/.world.1-a-0.glpft-tmp", &generate),
    ];
    for (leftover, command) in commands {
        let leftover = here.path().join(leftover);
        fs::create_dir_all(&leftover).unwrap();
        fs::write(leftover.join("half"), "a").unwrap();
        glpft(here.path(), command).ok();
        assert!(!leftover.exists(), "{command:?}");
    }
}

#[test]
fn nothing_but_a_model_is_replaced() {
    let here = folder();
    let single = ["run", "sample", "--set=arrangement=single"];
    smoke(here.path(), &single).ok();
    let export = |to: &str| {
        let to = format!("--to={to}");
        glpft(here.path(), ["export", "runs/sample", "--overwrite", &to])
    };
    let parts = ["--to", "choose another"];
    export("runs/sample").fails(2, &parts);
    export("runs/sample/models/global").fails(2, &parts);
    export(".").fails(2, &parts);
    let mine = here.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("README.md"), "mine").unwrap();
    export("mine").fails(2, &parts);
    fs::write(mine.join("config.json"), "{}").unwrap();
    fs::write(mine.join("thesis.txt"), "years").unwrap();
    export("mine").fails(2, &["thesis.txt"]);
    fs::remove_file(mine.join("thesis.txt")).unwrap();
    fs::create_dir(mine.join("photos")).unwrap();
    export("mine").fails(2, &["photos"]);
    assert_eq!(fs::read_to_string(mine.join("README.md")).unwrap(), "mine");
    fs::remove_dir(mine.join("photos")).unwrap();
    export("mine").ok();
    assert!(mine.join("model.safetensors").exists());
    fs::create_dir(here.path().join("empty")).unwrap();
    export("empty").ok();
    export("new").ok();
}

/// A pipe where the card should be is not waited for.
#[cfg(unix)]
#[test]
fn a_card_that_is_no_file_is_passed_over() {
    let here = folder();
    smoke(here.path(), &["train", "sample", "--stage=global"]).ok();
    let card = here.path().join("runs/sample/models/global/README.md");
    fs::remove_file(&card).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&card).status();
    assert!(made.unwrap().success());
    glpft(
        here.path(),
        ["export", "runs/sample", "--role=global", "--to=model"],
    )
    .ok();
    assert!(here.path().join("model/README.md").is_file());
}
