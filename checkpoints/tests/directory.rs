//! Model directories: every file, copied or made.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    DEFAULT_SHARD_BYTES, FloatType, ModelCard, ModelConfig, ModelDirectory, ModelFiles,
    SpecialTokens, TokenizerSource, read_json,
};
use serde_json::Value;
use support::{tiny, values};

fn write(path: &Path, config: &ModelConfig, tokenizer: TokenizerSource) -> Result<(), String> {
    let directory = ModelDirectory {
        config,
        dtype: FloatType::Bf16,
        shard_bytes: DEFAULT_SHARD_BYTES,
        tokenizer,
        card: &ModelCard {
            title: "planner".into(),
            base: "a | b".into(),
            data: "twenty\ntrajectories".into(),
            recipe: "name = \"x\"\n# ```\n".into(),
            metrics: vec![("validation loss".into(), 1.25)],
            adapter: false,
            copied: None,
        },
    };
    let tensors = config.tensors();
    let mut read = |name: &str| {
        let tensor = tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or("unknown")?;
        Ok::<_, &str>(values(name, tensor.elements()))
    };
    directory
        .write(path, &mut read)
        .map_err(|error| error.to_string())
}

#[test]
fn a_made_tokenizer_gets_the_files_that_transformers_needs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model");
    let special = SpecialTokens {
        eos: Some("</s>".into()),
        pad: Some("<pad>".into()),
        ..SpecialTokens::default()
    };
    let tokenizer = TokenizerSource::Made {
        json: b"{\"made\": true}",
        special: &special,
        chat_template: Some("{{ messages }}"),
    };
    let config = tiny();
    write(&path, &config, tokenizer).expect("writable");
    let again = ModelConfig::read(&path).expect("it is written");
    assert_eq!(again.tensors(), config.tensors());
    ModelFiles::open(&path)
        .expect("it is written")
        .check(&again)
        .expect("all are there");
    let json = |name: &str| read_json::<Value>(&path.join(name)).expect("it is written");
    assert_eq!(
        json("tokenizer_config.json")["tokenizer_class"],
        "PreTrainedTokenizerFast"
    );
    assert_eq!(json("tokenizer_config.json")["eos_token"], "</s>");
    assert_eq!(
        json("tokenizer_config.json")["chat_template"],
        "{{ messages }}"
    );
    assert_eq!(json("special_tokens_map.json")["pad_token"], "<pad>");
    assert_eq!(json("special_tokens_map.json").get("bos_token"), None);
    assert_eq!(json("generation_config.json")["eos_token_id"], 2);
    let content = fs::read(path.join("tokenizer.json")).expect("it is written");
    assert_eq!(content, b"{\"made\": true}");
    let card = fs::read_to_string(path.join("README.md")).expect("it is written");
    for part in [
        "---\nlibrary_name: transformers\n",
        "# planner\n",
        "| base | a \\| b |",
        "| data | twenty trajectories |",
        "| validation loss | 1.25 |",
        "````toml\nname = \"x\"\n# ```\n````\n",
    ] {
        assert!(card.contains(part), "{card}");
    }
}

#[test]
fn a_tokenizer_is_copied_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    fs::create_dir(&source).expect("writable");
    let tokenizer = TokenizerSource::Directory(&source);
    let path = folder.path().join("model");
    let error = write(&path, &tiny(), tokenizer).expect_err("there is no tokenizer");
    assert!(
        error.contains("cannot read") && error.contains("tokenizer.json"),
        "{error}"
    );
    assert!(!path.exists());
    let names = [
        "tokenizer.json",
        "chat_template.jinja",
        "merges.txt",
        "generation_config.json",
    ];
    for name in names {
        fs::write(source.join(name), format!("\u{feff}{name}\r\n")).expect("writable");
    }
    write(&path, &tiny(), tokenizer).expect("writable");
    for name in names {
        let copied = fs::read_to_string(path.join(name)).expect("it is copied");
        // No other program opens JSON with a byte order mark.
        let mark = if name.ends_with(".json") {
            ""
        } else {
            "\u{feff}"
        };
        assert_eq!(copied, format!("{mark}{name}\r\n"));
    }
    assert!(!path.join("tokenizer_config.json").exists());
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);
}

#[test]
fn settings_that_name_absent_python_files_are_not_copied() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    fs::create_dir(&source).expect("writable");
    fs::write(source.join("tokenizer.json"), "{}").expect("writable");
    let config =
        r#"{"eos_token": "</s>", "auto_map": {"AutoTokenizer": ["x.Other", null]}, "size": 1.50}"#;
    fs::write(source.join("tokenizer_config.json"), config).expect("writable");
    let path = folder.path().join("model");
    write(&path, &tiny(), TokenizerSource::Directory(&source)).expect("writable");
    let copied: Value = read_json(&path.join("tokenizer_config.json")).expect("it is copied");
    assert_eq!(copied.to_string(), r#"{"eos_token":"</s>","size":1.50}"#);
}
