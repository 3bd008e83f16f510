//! Byte-level BPE: GPT-2, SmolLM, Llama 3, Qwen.

use glpft_checkpoints::GgufFile;
use serde_json::{Value, json};

use super::{Parts, bpe};

const PRE: &str = "tokenizer.ggml.pre";
const MERGES: &str = "tokenizer.ggml.merges";
/// What is listed where a kind is not known.
const KNOWN: &str = "gpt-2, smollm, starcoder, refact, llama-bpe and qwen2 are; use the model's Hugging Face directory, \
                     or name its tokenizer with model.tokenizer";

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
    let mut model = bpe(pairs.ok_or_else(|| format!("`{MERGES}` has one that is no pair"))?);
    let (mut normalizer, mut begins) = (Value::Null, false);
    let pre_tokenizer = match file.text(PRE).map_err(told)? {
        Some("gpt-2") => gpt2(),
        // The same but for digits.
        Some("smollm" | "starcoder" | "refact") => json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            gpt2(),
        ]}),
        Some("llama-bpe" | "llama3" | "llama-v3") => {
            model.insert("ignore_merges".to_owned(), true.into());
            begins = true;
            split(r"\p{N}{1,3}")
        }
        Some("qwen2") => {
            normalizer = json!({"type": "NFC"});
            split(r"\p{N}")
        }
        other => {
            let name: String = other.unwrap_or("(absent)").chars().take(40).collect();
            return Err(format!("`{PRE}` = {name:?} is not implemented; {KNOWN}"));
        }
    };
    Ok(Parts {
        normalizer,
        pre_tokenizer,
        decoder: byte_level(true),
        model,
        begins,
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
