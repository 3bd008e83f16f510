//! Byte-level BPE: GPT-2, SmolLM, Llama 3, Qwen.

use glpft_checkpoints::GgufFile;
use serde_json::{Value, json};

use super::{Parts, bpe};

pub(super) const PRE: &str = "tokenizer.ggml.pre";
pub(super) const MERGES: &str = "tokenizer.ggml.merges";
/// What is listed where a kind is not known.
const KNOWN: &str = "gpt-2, smollm, starcoder, refact, llama-bpe, dbrx, smaug-bpe and qwen2 are; use the model's Hugging \
                     Face directory, or name its tokenizer with model.tokenizer";

/// How a kind of byte-level tokenizer takes text apart.
#[derive(Debug)]
pub(super) struct Kind {
    /// As in `tokenizer.json`.
    pub normalizer: Value,
    /// As in `tokenizer.json`.
    pub pre_tokenizer: Value,
    /// Whether a word that is a token is one token, whatever the merges make of it.
    pub ignore_merges: bool,
    /// Whether a text begins with the beginning of sequence where the file does not say.
    begins: bool,
}

/// One name of each kind.
pub(super) const NAMES: [&str; 5] = ["gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2"];

/// The kind that llama.cpp calls so.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let plain = |pre_tokenizer| Kind {
        normalizer: Value::Null,
        pre_tokenizer,
        ignore_merges: false,
        begins: false,
    };
    Some(match name {
        "gpt-2" => plain(gpt2()),
        // The same but for digits.
        "smollm" | "starcoder" | "refact" => plain(json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            gpt2(),
        ]})),
        "llama-bpe" | "llama3" | "llama-v3" => Kind {
            ignore_merges: true,
            begins: true,
            ..plain(split(r"\p{N}{1,3}"))
        },
        "dbrx" | "smaug-bpe" => plain(split(r"\p{N}{1,3}")),
        "qwen2" => Kind {
            normalizer: json!({"type": "NFC"}),
            ..plain(split(r"\p{N}"))
        },
        _ => return None,
    })
}

pub(super) fn parts(file: &GgufFile) -> Result<Parts, String> {
    let told = |error: glpft_checkpoints::GgufError| error.to_string();
    let merges = file.texts(MERGES).map_err(told)?;
    let merges = merges.ok_or_else(|| format!("`{MERGES}` is missing"))?;
    let pair = |merge: &&str| {
        // Not at the very front: there a space would be the token.
        let (at, _) = merge
            .char_indices()
            .skip(1)
            .find(|(_, letter)| *letter == ' ')?;
        Some(json!([merge[..at], merge[at + 1..]]))
    };
    let pairs: Option<Vec<Value>> = merges.iter().map(pair).collect();
    let mut model = bpe(pairs.ok_or_else(|| format!("`{MERGES}` has one that is not a pair"))?);
    let name = file.text(PRE).map_err(told)?;
    let kind = name.and_then(kind).ok_or_else(|| {
        let name: String = name.unwrap_or("(absent)").chars().take(40).collect();
        format!("`{PRE}` = {name:?} is not implemented; {KNOWN}")
    })?;
    if kind.ignore_merges {
        model.insert("ignore_merges".to_owned(), true.into());
    }
    Ok(Parts {
        normalizer: kind.normalizer,
        pre_tokenizer: kind.pre_tokenizer,
        decoder: byte_level(true),
        model,
        begins: kind.begins,
    })
}

fn byte_level(regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex})
}

fn gpt2() -> Value {
    byte_level(true)
}

/// The cut that Llama 3 and Qwen share but for `digits`, spelled as their `tokenizer.json` has it.
fn split(digits: &str) -> Value {
    let pattern = format!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );
    json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false},
        byte_level(false),
    ]})
}
