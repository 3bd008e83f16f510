//! Ids against the Hugging Face tokenizer's own (the `tokenizers` crate is its implementation), on tokenizers made
//! here; `tests/real_tokenizers.rs` does the same on real ones.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use super::*;
use serde_json::{Value, json};

/// A byte-level BPE tokenizer: bytes, a few merges, and added tokens, one of them not special.
pub(crate) fn byte_level(post_processor: Value) -> Value {
    let mut vocab = serde_json::Map::new();
    for character in tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet()
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
    {
        vocab.insert(character.to_string(), json!(vocab.len()));
    }
    let mut merges = Vec::new();
    for (left, right) in [
        ("t", "h"),
        ("th", "e"),
        ("Ġ", "the"),
        ("<", "/"),
        ("</", "s"),
        ("a", "n"),
        ("Ġ", "an"),
        ("s", ">"),
    ] {
        merges.push(json!([left, right]));
        vocab.insert(format!("{left}{right}"), json!(vocab.len()));
    }
    let added: Vec<Value> = [
        ("<|end|>", true),
        ("<|start|>", true),
        ("<tool_call>", false),
    ]
    .iter()
    .map(|&(content, special)| {
        let id = vocab.len();
        vocab.insert(content.to_owned(), json!(id));
        added_token(id, content, special)
    })
    .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": post_processor,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges},
    })
}

fn added_token(id: usize, content: &str, special: bool) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": special})
}

/// A tokenizer in Llama-2's manner: `▁` for spaces, byte fallback, BOS by the post-processor.
fn llama_like(normalizer: Value, pre_tokenizer: Value) -> Value {
    let mut vocab = serde_json::Map::new();
    for token in ["<unk>", "<s>", "</s>"] {
        vocab.insert(token.to_owned(), json!(vocab.len()));
    }
    for byte in 0..=255u8 {
        vocab.insert(format!("<0x{byte:02X}>"), json!(vocab.len()));
    }
    let mut merges = Vec::new();
    for character in "▁abcdefghijklmnopqrstuvwxyz:.</>".chars() {
        vocab.insert(character.to_string(), json!(vocab.len()));
    }
    for (left, right) in [
        ("▁", "a"),
        ("▁", "t"),
        ("▁t", "h"),
        ("h", "e"),
        ("▁th", "e"),
        ("▁", "▁"),
        ("a", "s"),
        ("<", "/"),
    ] {
        merges.push(json!([left, right]));
        vocab.insert(format!("{left}{right}"), json!(vocab.len()));
    }
    let added: Vec<Value> = ["<unk>", "<s>", "</s>"]
        .iter()
        .enumerate()
        .map(|(id, content)| added_token(id, content, true))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocab, "merges": merges},
    })
}

fn legacy_llama() -> Value {
    let normalizer = json!({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]});
    llama_like(normalizer, Value::Null)
}

fn metaspace_first(inside_sequence: bool) -> Value {
    let metaspace =
        json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false});
    let pre_tokenizer = if inside_sequence {
        json!({"type": "Sequence", "pretokenizers": [metaspace]})
    } else {
        metaspace
    };
    llama_like(Value::Null, pre_tokenizer)
}

fn load(json: &Value, eos: &str) -> Result<PromptTokenizer, TokenizerError> {
    PromptTokenizer::from_bytes(json.to_string().as_bytes(), eos)
}

/// Pieces of `text`, cut where it spells `separator`.
fn cut(text: &str, separator: &str) -> Text {
    let mut result = Text::new();
    for (index, part) in text.split(separator).enumerate() {
        if index > 0 {
            result.separate();
        }
        result.push(part);
    }
    result
}

const TEXTS: [&str; 12] = [
    "",
    " ",
    "SEP",
    "SEPSEP",
    "the an thean",
    "the: an\nSEPthe anSEP the SEP",
    "SEP the",
    "SEPthe",
    "  the  SEP  the  ",
    "\n\nSEP\n\n \nthe",
    "user: the as SEPassistant:  as\n SEPobservation: ▁theassistant: SEP",
    "émoji 🙂SEPémoji 🙂",
];

#[test]
fn ids_equal_the_whole_strings() {
    for (json, eos) in [
        (byte_level(Value::Null), "<|end|>"),
        (legacy_llama(), "</s>"),
        (metaspace_first(false), "</s>"),
        (metaspace_first(true), "</s>"),
    ] {
        let tokenizer = load(&json, eos).unwrap();
        let whole = Tokenizer::from_bytes(json.to_string()).unwrap();
        for text in TEXTS {
            let expected = whole.encode(text.replace("SEP", eos), false).unwrap();
            let ids = tokenizer
                .encode(&cut(text, "SEP"), Separators::Eos)
                .unwrap();
            assert_eq!(
                ids,
                expected.get_ids(),
                "{eos} {text:?} {:?}",
                expected.get_tokens()
            );
            let expected = whole.encode(text.replace("SEP", "</s>"), false).unwrap();
            let ids = tokenizer
                .encode(&cut(text, "SEP"), Separators::Literal)
                .unwrap();
            assert_eq!(ids, expected.get_ids(), "literal, {eos} {text:?}");
        }
    }
}

#[test]
fn separators_take_white_space_as_the_added_token_does() {
    for (left, right) in [(true, false), (false, true), (true, true)] {
        let mut json = byte_level(Value::Null);
        json["added_tokens"][0]["lstrip"] = json!(left);
        json["added_tokens"][0]["rstrip"] = json!(right);
        let tokenizer = load(&json, "<|end|>").unwrap();
        let whole = Tokenizer::from_bytes(json.to_string()).unwrap();
        for text in TEXTS {
            let expected = whole.encode(text.replace("SEP", "<|end|>"), false).unwrap();
            assert_eq!(
                tokenizer
                    .encode(&cut(text, "SEP"), Separators::Eos)
                    .unwrap(),
                expected.get_ids(),
                "{text:?}"
            );
        }
    }
}

#[test]
fn content_stays_content() {
    for (json, eos) in [
        (byte_level(Value::Null), "<|end|>"),
        (legacy_llama(), "</s>"),
        (metaspace_first(false), "</s>"),
    ] {
        let tokenizer = load(&json, eos).unwrap();
        let added: Vec<String> = json["added_tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["content"].as_str().unwrap().to_owned())
            .collect();
        for token in added {
            for content in [
                token.clone(),
                format!(" {token}"),
                format!("a\n{token}\n"),
                format!("{token}{token}the"),
            ] {
                let mut text = Text::new();
                text.push(&content).separate().push(&content);
                for separators in [Separators::Eos, Separators::Literal] {
                    let ids = tokenizer.encode(&text, separators).unwrap();
                    let added = ids.iter().filter(|&&id| tokenizer.is_added(id)).count();
                    let literal_is_text = separators == Separators::Literal && eos != "</s>";
                    assert_eq!(added, usize::from(!literal_is_text), "{content:?} {ids:?}");
                }
            }
        }
    }
}

#[test]
fn facts() {
    let tokenizer = load(&legacy_llama(), "</s>").unwrap();
    assert_eq!(
        (
            tokenizer.prefix(),
            tokenizer.eos_id(),
            tokenizer.eos_text().as_str()
        ),
        (&[1][..], 2, "</s>")
    );
    let json = byte_level(Value::Null);
    let tokenizer = load(&json, "<|end|>").unwrap();
    assert_eq!(tokenizer.prefix(), [] as [u32; 0]);
    assert_eq!(tokenizer.vocab_size(), 256 + 8 + 3);
    assert_ne!(
        tokenizer.fingerprint(),
        load(&json, "<|start|>").unwrap().fingerprint()
    );
    let ids = tokenizer
        .encode(&cut("theSEP", "SEP"), Separators::Eos)
        .unwrap();
    assert_eq!(tokenizer.decode(&ids, true).unwrap(), "the<|end|>");
    assert_eq!(tokenizer.decode(&ids, false).unwrap(), "the");
    assert!(matches!(
        tokenizer.decode(&[9999], true),
        Err(TokenizerError::Decode { .. })
    ));
}

#[test]
fn the_end_of_sequence_token_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let load = || PromptTokenizer::from_path(directory.path());
    assert!(matches!(load(), Err(TokenizerError::Read { .. })));
    write("tokenizer.json", &byte_level(Value::Null).to_string());
    assert!(matches!(
        load(),
        Err(TokenizerError::NoEndOfSequence { .. })
    ));
    write("config.json", r#"{"eos_token_id": [265, 264]}"#);
    assert_eq!(load().unwrap().eos_text(), "<|start|>");
    write("config.json", r#"{"eos_token_id": 99999}"#);
    assert!(matches!(
        load(),
        Err(TokenizerError::UnknownEndOfSequence { .. })
    ));
    write(
        "special_tokens_map.json",
        r#"{"eos_token": {"content": "<|end|>", "lstrip": false}}"#,
    );
    assert_eq!(load().unwrap().eos_text(), "<|end|>");
    write("tokenizer_config.json", r#"{"eos_token": "<|start|>"}"#);
    assert_eq!(load().unwrap().eos_text(), "<|start|>");
    assert_eq!(
        PromptTokenizer::from_path(&directory.path().join("tokenizer.json"))
            .unwrap()
            .eos_id(),
        265
    );
    write("tokenizer_config.json", r#"{"eos_token": "nowhere"}"#);
    assert!(matches!(
        load(),
        Err(TokenizerError::UnknownEndOfSequence { .. })
    ));
    write("tokenizer_config.json", "[]");
    assert!(matches!(load(), Err(TokenizerError::Parse { .. })));
}

#[test]
fn added_tokens_without_a_row_are_left_out_and_nothing_else() {
    let json = byte_level(Value::Null);
    let rows = 256 + 8 + 1;
    // <|start|> and <tool_call> lie past the end.
    let mut tokenizer = load(&json, "<|end|>").unwrap();
    let text = cut("the <tool_call> <|start|>SEPan", "SEP");
    let before = tokenizer.encode(&text, Separators::Eos).unwrap();
    let left_out = tokenizer.fit(rows).unwrap();
    let shown: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
    assert_eq!(shown, ["\"<|start|>\" (265)", "\"<tool_call>\" (266)"]);
    assert_eq!(tokenizer.vocab_size(), rows);
    assert_eq!(tokenizer.encode(&text, Separators::Eos).unwrap(), before);
    assert_eq!(tokenizer.fit(rows), Ok(Vec::new()));
    let mut roomy = load(&json, "<|end|>").unwrap();
    assert_eq!(roomy.fit(300), Ok(Vec::new()));
    assert_eq!(roomy.vocab_size(), 256 + 8 + 3);
    for (json, eos, rows, expected) in [
        (
            &json,
            "<|end|>",
            263,
            "it makes 264 tokens of texts, and the model has 263 rows",
        ),
        (
            &json,
            "<|start|>",
            rows,
            "its end-of-sequence token \"<|start|>\" (265) has no row",
        ),
        (
            &byte_level(bos()),
            "<|end|>",
            rows,
            "its beginning token \"<|start|>\" (265) has no row",
        ),
    ] {
        let error = load(json, eos).unwrap().fit(rows).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // A separator that the data ask for.
    let mut json = byte_level(Value::Null);
    json["added_tokens"]
        .as_array_mut()
        .unwrap()
        .push(added_token(267, "</s>", true));
    let mut tokenizer = load(&json, "<|end|>").unwrap();
    tokenizer.fit(rows).unwrap();
    assert!(tokenizer.encode(&text, Separators::Eos).is_ok());
    let error = tokenizer.encode(&text, Separators::Literal).unwrap_err();
    assert!(
        matches!(error, TokenizerError::NoRow { id: 267, .. }),
        "{error}"
    );
}

#[test]
fn a_byte_order_mark_is_skipped_and_other_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let load = || PromptTokenizer::from_path(directory.path());
    let told = || load().unwrap_err().to_string();
    write("tokenizer.model", "");
    assert!(
        told().contains("but tokenizer.model (SentencePiece's form)"),
        "{}",
        told()
    );
    let json = byte_level(Value::Null).to_string();
    write("tokenizer.json", &format!("\u{feff}{json}"));
    write(
        "tokenizer_config.json",
        "\u{feff}{\"eos_token\": \"<|end|>\"}",
    );
    let marked = load().unwrap();
    write("tokenizer.json", &json);
    assert_eq!(marked.fingerprint(), load().unwrap().fingerprint());
    write(
        "tokenizer.json",
        "version https://git-lfs.github.com/spec/v1\n",
    );
    assert!(
        told().contains("tokenizer.json is not usable: it is a Git LFS pointer"),
        "{}",
        told()
    );
    write("tokenizer.json", &json);
    write("tokenizer_config.json", "<!DOCTYPE html>");
    assert!(
        told().contains("tokenizer_config.json is not usable: it is a web page"),
        "{}",
        told()
    );
}

#[test]
fn bad_tokenizers_are_errors() {
    let good = byte_level(Value::Null).to_string();
    for bytes in ["", "{}", "[]", "null", "{\"model\": 3}"] {
        assert!(matches!(
            PromptTokenizer::from_bytes(bytes.as_bytes(), "x"),
            Err(TokenizerError::Parse { .. })
        ));
    }
    for length in (0..good.len()).step_by(97) {
        assert!(PromptTokenizer::from_bytes(&good.as_bytes()[..length], "<|end|>").is_err());
    }
    let mut json = byte_level(Value::Null);
    json["added_tokens"][0]["id"] = json!(1);
    assert!(matches!(
        load(&json, "<|end|>"),
        Err(TokenizerError::AddedTokenId { declared: 1, .. })
    ));
    let mut json = byte_level(Value::Null);
    json["model"]["vocab"]["huge"] = json!(4_000_000_000u32);
    assert!(matches!(
        load(&json, "<|end|>"),
        Err(TokenizerError::IdTooLarge { .. })
    ));
    let mut json = byte_level(Value::Null);
    json["model"]["dropout"] = json!(0.1);
    assert!(matches!(
        load(&json, "<|end|>"),
        Err(TokenizerError::Parse { .. })
    ));
    // Merges that spell a special token out of plain text.
    let mut json = byte_level(Value::Null);
    json["model"]["vocab"]["<|"] = json!(267);
    json["model"]["vocab"]["|>"] = json!(268);
    json["model"]["vocab"]["<||>"] = json!(269);
    json["model"]["merges"] = json!([["<", "|"], ["|", ">"], ["<|", "|>"]]);
    json["added_tokens"][0]["content"] = json!("<||>");
    json["added_tokens"][0]["id"] = json!(269);
    assert!(matches!(
        load(&json, "<||>"),
        Err(TokenizerError::SpecialFromContent { .. })
    ));
    // A merge whose result is longer than any token: the library indexes past its buffer.
    let mut json = byte_level(Value::Null);
    json["model"]["merges"] = json!([["<tool_call>", "<tool_call>"]]);
    assert!(load(&json, "<|end|>").is_err());
}

/// Whatever single value of the file is replaced, loading and encoding answer, with ids or an error.
#[test]
fn mutated_tokenizers_do_not_panic() {
    let good = legacy_llama();
    let replacements = [
        Value::Null,
        json!(-1),
        json!("x"),
        json!([]),
        json!({}),
        json!(3),
        json!(true),
    ];
    for key in [
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
        "decoder",
        "model",
    ] {
        for replacement in &replacements {
            let mut json = good.clone();
            json[key] = replacement.clone();
            try_out(&json);
            let Value::Object(inner) = &good[key] else {
                continue;
            };
            for inner in inner.keys() {
                let mut json = good.clone();
                json[key][inner] = replacement.clone();
                try_out(&json);
            }
        }
    }
}

fn try_out(json: &Value) {
    if let Ok(tokenizer) = load(json, "</s>") {
        for text in TEXTS {
            if let Ok(ids) = tokenizer.encode(&cut(text, "SEP"), Separators::Eos) {
                let _ = tokenizer.decode(&ids, true);
            }
        }
    }
}

/// A post-processor that puts `<|start|>` before a text.
pub(crate) fn bos() -> Value {
    json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|start|>": {"id": "<|start|>", "ids": [265], "tokens": ["<|start|>"]}}})
}
