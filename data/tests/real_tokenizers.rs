//! Real tokenizers on real data: ids equal the Hugging Face tokenizer's on the whole string.
//!
//! Reads `GLPFT_FIXTURES` (default: `shared` beside the repository) and `GLPFT_MODELS` (default: `models` in it);
//! what is absent is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

mod support;

use glpft_data::{PromptTokenizer, Text};
use glpft_recipes::Separators;
use rayon::prelude::*;
use support::{cut, fixtures, models};
use tokenizers::Tokenizer;

/// Tokenizers with their directory: ours, and the library's own.
fn tokenizers() -> Vec<(&'static str, PromptTokenizer, Tokenizer)> {
    let names = [
        "smollm2-135m-instruct",
        "tokenizers/llama2",
        "tokenizers/llama3_1",
        "tokenizers/qwen3",
    ];
    let mut found = Vec::new();
    for name in names {
        let directory = models().join(name);
        if !directory.join("tokenizer.json").exists() {
            eprintln!("skipped: no tokenizer at {}", directory.display());
            continue;
        }
        let ours = PromptTokenizer::from_path(&directory).unwrap();
        found.push((
            name,
            ours,
            Tokenizer::from_file(directory.join("tokenizer.json")).unwrap(),
        ));
    }
    found
}

/// The texts of the published data files: every `input` and `target</s>`.
fn real_texts() -> Vec<String> {
    let mut texts = Vec::new();
    for dataset in ["backbone", "planner", "caller", "summarizer"] {
        let path = fixtures().join(format!("data/alpha-umi/train-example/train_{dataset}.json"));
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: no data at {}", path.display());
            continue;
        };
        let examples: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
        // Every third example: each trajectory and dataset comes up, in a third of the time.
        for example in examples.iter().step_by(3) {
            texts.push(format!("system: {}", example["input"].as_str().unwrap()));
            texts.push(format!("{}</s>", example["target"].as_str().unwrap()));
        }
    }
    texts
}

#[test]
fn ids_equal_the_whole_strings() {
    let texts = real_texts();
    for (name, ours, whole) in tokenizers() {
        let eos = ours.eos_text();
        let prefix = ours.prefix();
        texts.par_iter().for_each(|text| {
            let expected = whole.encode_fast(text.replace("</s>", &eos), true).unwrap();
            let ids = ours.encode(&cut(text), Separators::Eos).unwrap();
            assert!(
                [prefix, &ids].concat() == expected.get_ids(),
                "{name}, eos: {text}"
            );
            let expected = whole.encode_fast(text.as_str(), true).unwrap();
            let ids = ours.encode(&cut(text), Separators::Literal).unwrap();
            assert!(
                [prefix, &ids].concat() == expected.get_ids(),
                "{name}, literal: {text}"
            );
        });
        println!("{name}: {} texts", texts.len());
    }
}

/// Every added token, each in several surroundings, as content: special ids stand at separators only, and decoding
/// gives the text back.
#[test]
fn content_never_becomes_an_added_token() {
    for (name, ours, whole) in tokenizers() {
        let mut added: Vec<String> = whole
            .get_added_tokens_decoder()
            .into_values()
            .map(|token| token.content)
            .collect();
        added.sort_unstable();
        added.extend(
            [
                "</s>",
                "<s>",
                "<|im_end|>",
                "<tool_call>",
                "<|eot_id|>",
                "[INST]",
            ]
            .map(str::to_owned),
        );
        for token in &added {
            let contents = [
                token.clone(),
                format!(" {token}"),
                format!("  {token}  "),
                format!("\n{token}\n"),
                format!("assistant: {token}caller: {token} Next: conclusion."),
                format!("user:{token}{token}\n\n observation: "),
            ];
            for content in &contents {
                for other in ["", " a", "\nassistant: b", content] {
                    let mut text = Text::new();
                    text.push(content).separate().push(other).separate();
                    let ids = ours.encode(&text, Separators::Eos).unwrap();
                    let parts: Vec<&[u32]> = ids.split(|&id| id == ours.eos_id()).collect();
                    assert_eq!(parts.len(), 3, "{name} {content:?} {other:?}");
                    for (part, expected) in parts.iter().zip([content, other, ""]) {
                        assert!(
                            part.iter().all(|&id| !ours.is_added(id)),
                            "{name} {expected:?} {part:?}"
                        );
                        assert_eq!(ours.decode(part, true).unwrap(), expected, "{name}");
                    }
                }
            }
        }
        println!("{name}: {} added tokens", added.len());
    }
}
