//! A GGUF file as the base of a run, and as what is exported.

#[path = "../../checkpoints/tests/support/gguf.rs"]
mod builder;

use std::fs;
use std::path::{Path, PathBuf};

use crate::{folder, glpft, raw_source, read_json, set, smoke};
use builder::Gguf;

/// A Llama that can say every byte, with weights of no meaning.
fn write_model(path: &Path) {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    tokens.extend(["▁", "e", "t", "▁t", "he", "h", "▁the"].map(str::to_owned));
    let count = tokens.len();
    let types: Vec<i32> = (0..count)
        .map(|id| match id {
            0 => 2,
            1 | 2 => 3,
            3..259 => 6,
            _ => 1,
        })
        .collect();
    let scores: Vec<f32> = (0..count).map(|id| -(id as f32)).collect();
    let mut gguf = Gguf::default()
        .text("general.architecture", "llama")
        .count("llama.context_length", 8192)
        .count("llama.embedding_length", 16)
        .count("llama.feed_forward_length", 16)
        .count("llama.block_count", 1)
        .count("llama.attention.head_count", 2)
        .single("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &tokens)
        .singles("tokenizer.ggml.scores", &scores)
        .integers("tokenizer.ggml.token_type", &types)
        .count("tokenizer.ggml.bos_token_id", 1)
        .count("tokenizer.ggml.eos_token_id", 2)
        .text("tokenizer.chat_template", "{{ messages }}");
    let shapes = [
        ("token_embd", vec![count, 16]),
        ("output_norm", vec![16]),
        ("blk.0.attn_norm", vec![16]),
        ("blk.0.ffn_norm", vec![16]),
        ("blk.0.attn_q", vec![16, 16]),
        ("blk.0.attn_k", vec![16, 16]),
        ("blk.0.attn_v", vec![16, 16]),
        ("blk.0.attn_output", vec![16, 16]),
        ("blk.0.ffn_gate", vec![16, 16]),
        ("blk.0.ffn_up", vec![16, 16]),
        ("blk.0.ffn_down", vec![16, 16]),
    ];
    for (name, shape) in shapes {
        let size: usize = shape.iter().product();
        let values: Vec<f32> = (0..size)
            .map(|index| (index * 2_654_435_761 % 1000) as f32 / 5000.0 - 0.1)
            .collect();
        gguf = gguf.singles_tensor(&format!("{name}.weight"), &shape, &values);
    }
    fs::write(path, gguf.bytes()).unwrap();
}

fn model(directory: &Path) -> PathBuf {
    let path = directory.join("base.gguf");
    write_model(&path);
    path
}

#[test]
fn a_run_from_a_gguf_leaves_hugging_face_directories() {
    let here = folder();
    let (base, source) = (model(here.path()), raw_source(here.path()));
    let common = [
        "run".to_owned(),
        "smollm2-135m-lora".to_owned(),
        set("model.base", &base),
        set("data.source", &source),
        "--set=arrangement=one-stage".to_owned(),
        "--set=stage.max_length=4096".to_owned(),
        "--out=made".to_owned(),
    ];
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    smoke(here.path(), &common).ok();
    let models = here.path().join("made/models");
    for role in ["planner", "caller", "summarizer"] {
        // No adapter: there is no directory of the base that another program could put it on.
        let config = read_json(&models.join(role).join("config.json"));
        assert_eq!(config["model_type"], "llama");
        assert!(!models.join(role).join("adapter_config.json").exists());
        let tokenizer = read_json(&models.join(role).join("tokenizer.json"));
        assert_eq!(tokenizer["model"]["vocab"]["▁the"], 265);
        let config = read_json(&models.join(role).join("tokenizer_config.json"));
        assert_eq!(config["chat_template"], "{{ messages }}");
        assert_eq!(config["eos_token"], "</s>");
    }
    // The base counts by its content.
    let mut bytes = fs::read(&base).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x10;
    fs::write(&base, &bytes).unwrap();
    fs::remove_dir_all(models.join("caller")).unwrap();
    fs::remove_file(here.path().join("made/summary.json")).unwrap();
    smoke(here.path(), &common).fails(2, &["caller", "checkpoint"]);
    bytes.truncate(last);
    fs::write(&base, &bytes).unwrap();
    smoke(here.path(), &common).fails(1, &["base.gguf", "is damaged or not a GGUF file"]);
}

#[test]
fn a_gguf_is_exported_as_a_directory_that_is_the_same_model() {
    let here = folder();
    let base = model(here.path());
    glpft(here.path(), ["export", "base.gguf", "--to", "exported"]).ok();
    let exported = here.path().join("exported");
    let open = |path: &Path| glpft_checkpoints::ModelFiles::open(path).unwrap();
    let config = glpft_checkpoints::ModelConfig::read(&exported).unwrap();
    let (ours, theirs) = (open(&exported), open(&base));
    ours.check(&config).unwrap();
    for tensor in config.tensors() {
        let read = |files: &glpft_checkpoints::ModelFiles| {
            files.read_f32(&tensor.name, &tensor.shape).unwrap()
        };
        assert_eq!(read(&ours), read(&theirs), "{}", tensor.name);
    }
    let refused = glpft(here.path(), ["export", "base.gguf", "--to", "base.gguf"]);
    refused.fails(2, &["--to", "exists"]);
    fs::write(here.path().join("x.gguf"), "no model").unwrap();
    let refused = glpft(here.path(), ["export", "x.gguf", "--to", "y"]);
    refused.fails(1, &["x.gguf", "does not begin with `GGUF`"]);
}

#[test]
fn a_gguf_is_evaluated_and_told_from_another() {
    let here = folder();
    let base = model(here.path());
    glpft(here.path(), ["data", "export", "sample", "--to=stages"]).ok();
    let data = "--data=stages/raw_data_stage_2.json";
    let evaluate = |command: &str, more: &[&str]| {
        let team =
            ["--planner", "--caller", "--summarizer"].map(|role| format!("{role}=base.gguf"));
        let team = team.iter().map(String::as_str);
        let arguments = ["eval", command, data, "--limit=2"];
        glpft(
            here.path(),
            arguments
                .into_iter()
                .chain(team)
                .chain(more.iter().copied()),
        )
    };
    let asked = ["--out=results", "--max-new-tokens=4", "--quiet"];
    evaluate("static", &asked).ok();
    let manifest = read_json(&here.path().join("results/evaluation.json"));
    let planner = manifest["decides"]["planner"].as_str().unwrap();
    assert!(!planner.is_empty() && manifest["decides"]["caller"] == planner);
    evaluate("static", &asked).ok();
    let told = evaluate("perplexity", &["--json"]).ok();
    assert!(told.contains("\"perplexity\": "), "{told}");
    // Another one in its place.
    let mut bytes = fs::read(&base).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x10;
    fs::write(&base, &bytes).unwrap();
    evaluate("static", &asked).fails(2, &["results", "planner: "]);
}
