//! `glpft prepare`, and sources that cannot be used, or not wholly.

use std::fs;
use std::path::Path;

use crate::{folder, glpft, json, raw_source, read_json, set};

const FILES: [&str; 4] = ["backbone", "caller", "planner", "summarizer"];

#[test]
fn a_second_time_uses_what_is_there() {
    let here = folder();
    let told = glpft(here.path(), ["prepare", "sample"]).ok();
    assert!(told.contains("are written: runs/sample/data"), "{told}");
    let data = here.path().join("runs/sample/data");
    let read = |name: &str| fs::read(data.join(format!("{name}.safetensors"))).unwrap();
    let before = FILES.map(read);
    assert!(data.join("source/answer/G1_answer").is_dir());
    let report = read_json(&data.join("prepare.json"));
    assert_eq!(report["source"]["report"]["records"], 56);
    assert_eq!(report["source"]["form"], "raw");
    assert!(report["datasets"]["caller"]["training_examples"].as_u64() > Some(0));
    assert!(report["datasets"]["backbone"]["validation_examples"].as_u64() > Some(0));

    let written = || {
        fs::metadata(data.join("caller.safetensors"))
            .unwrap()
            .modified()
    };
    let first = written().unwrap();
    let told = json(&glpft(here.path(), ["prepare", "sample", "--json"]).ok());
    assert_eq!(told["reused"], true);
    assert_eq!(told["report"], report);
    assert_eq!(written().unwrap(), first);

    // One that is lost is made again, and the same, with any number of threads.
    fs::remove_file(data.join("caller.safetensors")).unwrap();
    fs::write(data.join("planner.safetensors"), b"damaged").unwrap();
    let told = json(&glpft(here.path(), ["prepare", "sample", "--json", "--threads=1"]).ok());
    assert_eq!(told["reused"], false);
    assert_eq!(told["report"], report);
    assert!(FILES.map(read) == before);
    // A run's directory stands for its recipe.
    let told = json(&glpft(here.path(), ["prepare", "runs/sample", "--json"]).ok());
    assert_eq!(told["reused"], true);
    assert_eq!(glpft(here.path(), ["prepare", "sample", "-q"]).ok(), "");
}

#[test]
fn only_what_the_arrangement_reads_is_made() {
    let here = folder();
    for (arrangement, wanted) in [
        ("single", &FILES[..1]),
        ("one-stage", &FILES[1..]),
        ("multi-task", &FILES[1..]),
        ("mixed", &FILES[..]),
    ] {
        let set = format!("--set=arrangement={arrangement}");
        let out = format!("--out={arrangement}");
        glpft(here.path(), ["prepare", "sample", &set, &out]).ok();
        for name in FILES {
            let path = here.path().join(arrangement).join("data");
            let there = path.join(format!("{name}.safetensors")).exists();
            assert_eq!(there, wanted.contains(&name), "{arrangement} {name}");
        }
    }
}

/// An example longer than its micro-batch shares nothing: that is said, not left to be found in the log.
#[test]
fn examples_longer_than_a_micro_batch_are_told() {
    let here = folder();
    let told = glpft(here.path(), ["prepare", "sample"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let arguments = [
        "prepare",
        "sample",
        "--set=stage.caller.micro_batch_tokens=300",
        "--out=small",
    ];
    let told = glpft(here.path(), arguments);
    let line = "examples are longer than micro_batch_tokens (300)";
    assert_eq!(
        told.err.matches("warning: caller: ").count(),
        1,
        "{}",
        told.err
    );
    assert!(
        told.err.contains(line) && told.err.lines().count() == 1,
        "{}",
        told.err
    );
    let columns = ["tree tokens", "sharing"];
    assert!(
        columns.iter().all(|column| told.out.contains(column)),
        "{}",
        told.out
    );
}

#[test]
fn halves_share_no_query() {
    let here = folder();
    let arguments = ["prepare", "sample", "--set=reuse=false", "--json"];
    let told = json(&glpft(here.path(), arguments).ok());
    let report = &told["report"];
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    for name in FILES {
        let told = &report["datasets"][name];
        let used = number(&told["training_examples"]) + number(&told["validation_examples"]);
        assert!(used > 0 && used < number(&told["examples"]), "{told}");
    }
    assert!(number(&report["queries"]["second_half"]) > 0);
}

#[test]
fn a_source_that_is_absent_or_empty_is_told() {
    let here = folder();
    let prepare = |source: &Path| {
        // Nothing comes of the tries before, so they are in nobody's way.
        let arguments = ["prepare", "sample", &set("data.source", source)];
        glpft(here.path(), arguments)
    };
    let absent = here.path().join("absent");
    prepare(&absent).fails(1, &["absent", "No such file", "data.source"]);
    let empty = here.path().join("empty");
    fs::create_dir(&empty).unwrap();
    prepare(&empty).fails(1, &["empty", "answer/G1_answer"]);
    fs::create_dir_all(empty.join("answer/G1_answer")).unwrap();
    prepare(&empty).fails(1, &["empty", "any .json file"]);
    fs::write(here.path().join("list.json"), "[]").unwrap();
    prepare(&here.path().join("list.json")).fails(1, &["list.json"]);
    let missing = here.path().join("prompts.toml");
    let arguments = ["prepare", "sample", &set("data.prompts", missing)];
    glpft(here.path(), arguments).fails(1, &["prompts.toml"]);
}

#[test]
fn one_truncated_file_among_good_ones_is_told_and_left_out() {
    let here = folder();
    let source = raw_source(here.path());
    let whole = source.join("answer/G1_answer/10_ChatGPT_DFS_woFilter_w2.json");
    let text = fs::read(&whole).unwrap();
    fs::write(&whole, &text[..text.len() / 2]).unwrap();
    let name = "10_ChatGPT_DFS_woFilter_w2.json";
    let source = set("data.source", &source);
    let told = glpft(here.path(), ["prepare", "sample", &source]).ok();
    assert!(told.contains(name) && told.contains("1 bad"), "{told}");
    let report = read_json(&here.path().join("runs/sample/data/prepare.json"));
    let bad = report["source"]["report"]["bad"].as_array().unwrap();
    assert_eq!(bad.len(), 1);
    assert!(bad[0]["record"].as_str().unwrap().contains(name));
    assert!(bad[0]["reason"].as_str().unwrap().contains("JSON"));
    let strict = [
        "prepare",
        "sample",
        &source,
        "--set=data.strict=true",
        "--out=strict",
    ];
    glpft(here.path(), strict).fails(1, &[name, "data.strict"]);
    assert!(!here.path().join("strict/data/prepare.json").exists());
}

#[test]
fn a_dataset_without_an_example_that_fits_is_told() {
    let here = folder();
    let arguments = ["prepare", "sample", "--set=stage.caller.max_length=16"];
    glpft(here.path(), arguments).fails(
        1,
        &[
            "caller stage",
            "too long without any history",
            "stage.caller.max_length",
        ],
    );
    assert!(
        !here
            .path()
            .join("runs/sample/data/caller.safetensors")
            .exists()
    );
}

#[test]
fn a_tokenizer_must_fit_its_model() {
    let here = folder();
    let config = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 100,
        "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}"#;
    fs::write(here.path().join("config.json"), config).unwrap();
    for (name, content) in glpft_data::sample::tokenizer_files() {
        fs::write(here.path().join(name), content).unwrap();
    }
    let data = "--set=data.source=builtin:sample";
    let base = set("model.base", here.path());
    glpft(here.path(), ["prepare", "smollm2-135m", data, &base]).fails(
        2,
        &[
            "tokens of texts, and the model has 100 rows",
            "model.tokenizer",
        ],
    );
    // A model may have rows to spare.
    let roomy = config.replace("100", "1300");
    fs::write(here.path().join("config.json"), roomy).unwrap();
    glpft(here.path(), ["prepare", "smollm2-135m", data, &base]).ok();
    glpft(
        here.path(),
        [
            "prepare",
            "smollm2-135m",
            data,
            "--set=model.base=nowhere",
            "--out=x",
        ],
    )
    .fails(2, &["model.base", "nowhere", "no such directory"]);
    fs::remove_file(here.path().join("tokenizer.json")).unwrap();
    glpft(here.path(), ["prepare", "smollm2-135m", data, &base]).fails(1, &["tokenizer.json"]);
}

#[test]
fn a_tokenizer_cut_short_is_one_error_and_no_panic() {
    let here = folder();
    let path = here.path().join("cut.json");
    let text = String::from_utf8(glpft_data::sample::tokenizer().to_vec()).unwrap();
    // Inside of the decoder the tokenizers library gives up its way.
    let at = text.find("\"decoder\"").unwrap();
    fs::write(&path, format!("{}[1,", &text[..at + 10])).unwrap();
    let refused = glpft(
        here.path(),
        ["prepare", "sample", &set("model.tokenizer", &path)],
    );
    let error = refused.fails(1, &["cut.json"]);
    assert_eq!(error.lines().count(), 1, "{error}");
}
