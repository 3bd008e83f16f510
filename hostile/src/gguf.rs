//! GGUF files.

use std::path::Path;

use glpft_checkpoints::GgufFile;
use glpft_data::GgufTokenizer;

use crate::models::{read_weights, use_tokenizer};
use crate::{Parser, put};

#[path = "../../checkpoints/tests/support/gguf.rs"]
mod builder;
use builder::Gguf;

fn read(data: &[u8], folder: &Path) {
    let path = folder.join("model.gguf");
    put(&path, data);
    let Ok(file) = GgufFile::open(&path) else {
        return;
    };
    for name in file.names() {
        let _ = file.read_f32(name);
    }
    let config = file.model_config().ok();
    read_weights(&path, config.as_ref());
    if let Ok(tokenizer) = GgufTokenizer::of(&file) {
        use_tokenizer(&tokenizer.json, &tokenizer.special.eos.unwrap_or_default());
    }
}

/// Reads `data` as the first part of two as well, the other of which is whole.
fn read_alone_and_split(data: &[u8], folder: &Path) {
    read(data, folder);
    let part = |number: u32| folder.join(format!("m-{number:05}-of-00002.gguf"));
    put(&part(1), data);
    put(&part(2), &split(Gguf::default(), 1).bytes());
    read_weights(&part(1), None);
    read_weights(&part(2), None);
}

fn split(gguf: Gguf, part: u16) -> Gguf {
    gguf.entry("split.no", 2, &part.to_le_bytes())
        .entry("split.count", 2, &2_u16.to_le_bytes())
        .entry("split.tensors.count", 5, &21_i32.to_le_bytes())
        .singles_tensor(&format!("part{part}.weight"), &[2], &[1.0, 2.0])
}

pub(crate) const GGUF: Parser = Parser {
    name: "gguf",
    read: read_alone_and_split,
    examples: || {
        vec![
            split(Gguf::tiny_llama(|_, index| index as f32), 0).bytes(),
            Gguf::tiny_llama(|_, index| index as f32).bytes(),
            include_bytes!("../../checkpoints/tests/golden/gguf_types.gguf").to_vec(),
        ]
    },
    fixtures: &[],
};

fn tokenizer(kind: &str) -> Gguf {
    let tokens = [
        "<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "ab", "▁ab", "Ġ", "12", "<x>",
    ];
    Gguf::default()
        .text("tokenizer.ggml.model", kind)
        .texts("tokenizer.ggml.tokens", &tokens)
        .integers(
            "tokenizer.ggml.token_type",
            &[2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 4],
        )
        .count("tokenizer.ggml.bos_token_id", 1)
        .count("tokenizer.ggml.eos_token_id", 2)
        .count("tokenizer.ggml.unknown_token_id", 0)
        .flag("tokenizer.ggml.add_bos_token", true)
}

pub(crate) const GGUF_TOKENIZER: Parser = Parser {
    name: "gguf_tokenizer",
    read,
    examples: || {
        let scores: Vec<f32> = (0..12).map(|id| -(id as f32)).collect();
        let merges = |pre: &str| {
            tokenizer("gpt2")
                .text("tokenizer.ggml.pre", pre)
                .texts("tokenizer.ggml.merges", &["a b"])
                .bytes()
        };
        vec![
            tokenizer("llama")
                .singles("tokenizer.ggml.scores", &scores)
                .bytes(),
            merges("smollm"),
            merges("llama-bpe"),
            merges("qwen2"),
        ]
    },
    fixtures: &[],
};
