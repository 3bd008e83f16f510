//! Tokenizers out of GGUF files: a real one's is what Python made of the same file, and real Hugging Face tokenizers put
//! into GGUF metadata as llama.cpp's converter does come back with every id.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

#[path = "../../checkpoints/tests/support/gguf.rs"]
mod gguf;
mod support;

use gguf::Gguf;
use glpft_checkpoints::{GgufFile, GgufMetadata, WeightsError, write_gguf};
use glpft_data::{GgufTokenizer, PromptTokenizer, Text, sample};
use rayon::prelude::*;
use serde_json::Value;
use support::{fixtures, models};
use tokenizers::Tokenizer;

/// Real texts and strings made to tell tokenizers apart.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        "  a  b   c    d\n\n \r\n\t x",
        "▁ ▁▁▁ _",
        "don't DON'T I'LL he'd",
        "12345 1 22 333 4444 ١٢٣ ²½Ⅷ",
        "e\u{301}é ﬁ Å\u{212b} 한글 \u{1112}\u{1161}\u{11ab}",
        "🦀🦀🏽‍🚀 \u{0}\u{1}\u{7f}\u{ad}\u{200b}\u{feff}\u{fffd}",
        "</s><s><unk><0x0A><|im_end|> <|eot_id|><|begin_of_text|>",
        "{\"a\": [1,2.5e-3,null]}\\n\\u00e9",
        "ǅ ß ẞ ſ İı",
        "zalgo z̷̢̢͙͐a̸l̶g̵o̷",
        "\u{2028}\u{85}\u{3000}\u{a0}x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "𝒳𝕐 𠀀",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push(" ".repeat(300));
    texts.push((0..=0x2ff).filter_map(char::from_u32).collect());
    for dataset in ["planner", "summarizer"] {
        let path = fixtures().join(format!("data/alpha-umi/train-example/train_{dataset}.json"));
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: no data at {}", path.display());
            continue;
        };
        let examples: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        for example in examples.iter().step_by(4) {
            texts.push(example["input"].as_str().unwrap().to_owned());
            texts.push(example["target"].as_str().unwrap().to_owned());
        }
    }
    texts
}

/// Both give every text the same ids, special tokens included, and the same text back.
fn assert_same(name: &str, ours: &[u8], theirs: &Tokenizer) {
    let ours = assert_same_ids(name, ours, theirs);
    let added = theirs.get_added_tokens_decoder();
    assert_eq!(ours.get_added_tokens_decoder(), added, "{name}");
}

fn assert_same_ids(name: &str, ours: &[u8], theirs: &Tokenizer) -> Tokenizer {
    let ours = Tokenizer::from_bytes(ours).unwrap();
    let texts = texts();
    texts.par_iter().for_each(|text| {
        let found = ours.encode_fast(text.as_str(), true).unwrap();
        let expected = theirs.encode_fast(text.as_str(), true).unwrap();
        assert_eq!(found.get_ids(), expected.get_ids(), "{name}: {text:?}");
        for skip in [true, false] {
            let found = ours.decode(found.get_ids(), skip).unwrap();
            assert_eq!(found, theirs.decode(expected.get_ids(), skip).unwrap());
        }
    });
    let added = theirs.get_added_tokens_decoder();
    println!(
        "{name}: {} texts, {} added tokens",
        texts.len(),
        added.len()
    );
    ours
}

fn read(gguf: &Gguf) -> Result<GgufTokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    std::fs::write(&path, gguf.bytes()).unwrap();
    let file = GgufFile::open(&path).map_err(|error| error.to_string())?;
    GgufTokenizer::of(&file).map_err(|error| error.to_string())
}

/// A real `tokenizer.json`, if it is there.
fn real(name: &str) -> Option<(Value, Tokenizer)> {
    let path = models().join(name).join("tokenizer.json");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no tokenizer at {}", path.display());
        return None;
    };
    let json = serde_json::from_slice(&bytes).unwrap();
    Some((json, Tokenizer::from_bytes(&bytes).unwrap()))
}

/// Tokens and types as llama.cpp's converter writes them: added tokens behind the model's, special ones control.
fn vocabulary(json: &Value) -> (Vec<String>, Vec<i32>) {
    let mut entries: Vec<(u64, String, i32)> = Vec::new();
    for (token, id) in json["model"]["vocab"].as_object().unwrap() {
        let byte = token.len() == 6 && token.starts_with("<0x") && token.ends_with('>');
        entries.push((
            id.as_u64().unwrap(),
            token.clone(),
            if byte { 6 } else { 1 },
        ));
    }
    for token in json["added_tokens"].as_array().unwrap() {
        let id = token["id"].as_u64().unwrap();
        entries.retain(|(other, _, _)| *other != id);
        let content = token["content"].as_str().unwrap().to_owned();
        let kind = match (token["special"].as_bool().unwrap(), content.as_str()) {
            (true, "<unk>") => 2,
            (true, _) => 3,
            (false, _) => 4,
        };
        entries.push((id, content, kind));
    }
    entries.sort();
    let (tokens, types): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .map(|(_, token, kind)| (token, kind))
        .unzip();
    (tokens, types)
}

fn merges(json: &Value) -> Vec<String> {
    let merge = |merge: &Value| match merge {
        Value::String(merge) => merge.clone(),
        pair => format!(
            "{} {}",
            pair[0].as_str().unwrap(),
            pair[1].as_str().unwrap()
        ),
    };
    let merges = json["model"]["merges"].as_array().unwrap();
    merges.iter().map(merge).collect()
}

#[test]
fn a_real_files_tokenizer_is_its_hugging_face_form() {
    let path = models().join("smollm2-135m-instruct.gguf");
    if !path.exists() {
        eprintln!("skipped: no model at {}", path.display());
        return;
    }
    let tokenizer = GgufTokenizer::of(&GgufFile::open(&path).unwrap()).unwrap();
    let (json, theirs) = real("smollm2-135m-instruct").unwrap();
    assert_same("smollm2", &tokenizer.json, &theirs);
    let ours: Value = serde_json::from_slice(&tokenizer.json).unwrap();
    for key in [
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "post_processor",
    ] {
        assert_eq!(ours[key], json[key], "{key}");
    }
    assert_eq!(ours["model"]["vocab"], json["model"]["vocab"]);
    assert_eq!(tokenizer.special.eos.as_deref(), Some("<|im_end|>"));
    assert_eq!(tokenizer.special.bos.as_deref(), Some("<|im_start|>"));
    assert!(tokenizer.chat_template.unwrap().contains("<|im_start|>"));
    PromptTokenizer::from_bytes(&tokenizer.json, "<|im_end|>").unwrap();
}

#[test]
fn byte_level_vocabularies_come_back_with_every_id() {
    for (name, pre, bos, eos) in [
        ("tokenizers/llama3_1", "llama-bpe", 128_000, 128_009),
        ("tokenizers/qwen3", "qwen2", 151_643, 151_645),
    ] {
        let Some((json, theirs)) = real(name) else {
            continue;
        };
        let (mut tokens, mut types) = vocabulary(&json);
        // What fills the embedding up to a round size.
        tokens.extend((0..3).map(|place| format!("[PAD{place}]")));
        types.extend([5; 3]);
        let gguf = Gguf::default()
            .text("tokenizer.ggml.model", "gpt2")
            .text("tokenizer.ggml.pre", pre)
            .texts("tokenizer.ggml.tokens", &tokens)
            .integers("tokenizer.ggml.token_type", &types)
            .texts("tokenizer.ggml.merges", &merges(&json))
            .count("tokenizer.ggml.bos_token_id", bos)
            .count("tokenizer.ggml.eos_token_id", eos);
        let tokenizer = read(&gguf).unwrap();
        assert_same(name, &tokenizer.json, &theirs);
        let eos = tokenizer.special.eos.unwrap();
        let prompts = PromptTokenizer::from_bytes(&tokenizer.json, &eos).unwrap();
        assert_eq!(prompts.vocab_size(), theirs.get_vocab_size(true));
    }
}

#[test]
fn a_sentencepiece_vocabulary_comes_back_with_every_merge() {
    let Some((json, theirs)) = real("tokenizers/llama2") else {
        return;
    };
    let (tokens, types) = vocabulary(&json);
    // As in Llama 2's tokenizer.model: by rank, runs of spaces last.
    let score = |(id, token): (usize, &String)| match id {
        0..259 => 0.0,
        _ if token.chars().all(|letter| letter == '▁') && token.chars().count() > 1 => -1e9,
        _ => 259.0 - id as f32,
    };
    let scores: Vec<f32> = tokens.iter().enumerate().map(score).collect();
    let gguf = Gguf::default()
        .text("tokenizer.ggml.model", "llama")
        .text("tokenizer.ggml.pre", "default")
        .texts("tokenizer.ggml.tokens", &tokens)
        .singles("tokenizer.ggml.scores", &scores)
        .integers("tokenizer.ggml.token_type", &types)
        .count("tokenizer.ggml.bos_token_id", 1)
        .count("tokenizer.ggml.eos_token_id", 2)
        .count("tokenizer.ggml.unknown_token_id", 0);
    let tokenizer = read(&gguf).unwrap();
    let ours: Value = serde_json::from_slice(&tokenizer.json).unwrap();
    assert!(merges(&ours) == merges(&json), "the merges differ");
    assert_eq!(ours["post_processor"], json["post_processor"]);
    assert_same("llama2", &tokenizer.json, &theirs);
}

/// Gemma's runs of white space are tokens that the user defined, which SentencePiece finds before it merges.
#[test]
fn runs_of_white_space_are_found_before_anything_is_merged() {
    let tokens = [
        "<pad>", "<eos>", "<unk>", "\n", "\n\n", "  ", "   ", "<b>", "<0x0A>", "▁", "a", "▁a", "<",
        "b", ">",
    ];
    let types = [3, 3, 2, 4, 4, 4, 4, 4, 6, 1, 1, 1, 1, 1, 1];
    let scores: Vec<f32> = (0..tokens.len()).map(|id| -(id as f32)).collect();
    let gguf = Gguf::default()
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &tokens)
        .singles("tokenizer.ggml.scores", &scores)
        .integers("tokenizer.ggml.token_type", &types)
        .count("tokenizer.ggml.eos_token_id", 1)
        .count("tokenizer.ggml.unknown_token_id", 2)
        .flag("tokenizer.ggml.add_bos_token", false)
        .flag("tokenizer.ggml.add_space_prefix", false);
    let tokenizer = read(&gguf).unwrap();
    let (again, _) = written(&tokenizer, tokens.len()).unwrap();
    for tokenizer in [tokenizer, again] {
        let prompts = PromptTokenizer::from_bytes(&tokenizer.json, "<eos>").unwrap();
        let read = Tokenizer::from_bytes(&tokenizer.json).unwrap();
        let ids = |text: &str| read.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!(ids("a a   a\n\n  a\n"), [10, 11, 6, 10, 4, 5, 10, 3]);
        assert_eq!(read.decode(&[10, 6, 4, 11], false).unwrap(), "a   \n\n a");
        // What a text says is never a token that was added, white space is.
        let separators = glpft_recipes::Separators::Literal;
        let mut text = Text::new();
        text.push("a  <b>\n");
        assert_eq!(
            prompts.encode(&text, separators).unwrap(),
            [10, 5, 12, 13, 14, 3]
        );
    }
}

/// A tokenizer written into a GGUF file's metadata, and read from it, with the writer's notes.
fn written(tokenizer: &GgufTokenizer, rows: usize) -> Result<(GgufTokenizer, Vec<String>), String> {
    let eos = tokenizer.special.eos.as_deref().unwrap();
    let prompts = PromptTokenizer::from_bytes(&tokenizer.json, eos).unwrap();
    let mut metadata = GgufMetadata::default();
    let notes = tokenizer.write(&prompts, rows, &mut metadata);
    let notes = notes.map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let none = &mut |_: &str| Ok::<Vec<f32>, WeightsError>(Vec::new());
    write_gguf(&path, &metadata, &[], none).unwrap();
    let file = GgufFile::open(&path).unwrap();
    Ok((GgufTokenizer::of(&file).unwrap(), notes))
}

#[test]
fn what_is_written_comes_back_with_every_id() {
    let files = tempfile::tempdir().unwrap();
    for (name, content) in sample::tokenizer_files() {
        std::fs::write(files.path().join(name), content).unwrap();
    }
    let directories = [
        ("sample", files.path().to_owned(), 0),
        ("smollm2", models().join("smollm2-135m-instruct"), 0),
        ("llama 2", models().join("tokenizers/llama2"), 0),
        ("llama 3.1", models().join("tokenizers/llama3_1"), 0),
        ("qwen3", models().join("tokenizers/qwen3"), 1),
    ];
    for (name, directory, expected_notes) in directories {
        if !directory.is_dir() {
            eprintln!("skipped: no tokenizer at {}", directory.display());
            continue;
        }
        let prompts = PromptTokenizer::from_path(&directory).unwrap();
        let tokenizer = GgufTokenizer::of_directory(&directory, &prompts).unwrap();
        // An embedding has a few rows more.
        let (read, notes) = written(&tokenizer, prompts.vocab_size() + 5).unwrap();
        assert_eq!(notes.len(), expected_notes, "{notes:?}");
        assert_eq!(read.special.eos, tokenizer.special.eos);
        assert_eq!(read.chat_template, tokenizer.chat_template);
        let theirs = Tokenizer::from_bytes(&tokenizer.json).unwrap();
        let ours = assert_same_ids(name, &read.json, &theirs);
        // What looks special is, as llama.cpp's converter has it.
        let mut added = theirs.get_added_tokens_decoder();
        for token in added.values_mut() {
            token.special |= token.content.starts_with("<|") && token.content.ends_with("|>");
        }
        assert_eq!(ours.get_added_tokens_decoder(), added, "{name}");
    }
}

/// Spellings of the same, and what would give other ids.
#[test]
fn what_llama_cpp_does_otherwise_is_refused() {
    let base: Value = serde_json::from_slice(sample::tokenizer()).unwrap();
    let attempt = |change: &dyn Fn(&mut Value)| {
        let mut json = base.clone();
        change(&mut json);
        let tokenizer = GgufTokenizer {
            json: serde_json::to_vec(&json).unwrap(),
            special: glpft_checkpoints::SpecialTokens {
                eos: Some("</s>".to_owned()),
                ..Default::default()
            },
            chat_template: None,
        };
        written(&tokenizer, 1280)
    };
    assert!(attempt(&|_| ()).is_ok());
    let gpt2 = serde_json::json!({"type": "Sequence", "pretokenizers": [
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    ]});
    assert!(attempt(&|json| json["pre_tokenizer"] = gpt2.clone()).is_ok());
    type Change<'a> = &'a dyn Fn(&mut Value);
    let refused: [(Change<'_>, &str); 5] = [
        (
            &|json| json["pre_tokenizer"] = serde_json::json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
            "none of gpt-2, smollm",
        ),
        (
            &|json| json["normalizer"] = serde_json::json!({"type": "Lowercase"}),
            "none of gpt-2, smollm",
        ),
        (
            &|json| json["model"]["ignore_merges"] = true.into(),
            "none of gpt-2, smollm",
        ),
        (
            &|json| json["model"]["end_of_word_suffix"] = "</w>".into(),
            "marks at their ends",
        ),
        (
            &|json| json["model"]["byte_fallback"] = true.into(),
            "falls back to bytes",
        ),
    ];
    for (change, part) in refused {
        let error = attempt(change).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let without_a_row = |json: &mut Value| {
        let mut token = json["added_tokens"][1].clone();
        token["id"] = 1280.into();
        token["content"] = "[LATER]".into();
        let tokens = json["added_tokens"].as_array_mut().unwrap();
        tokens.push(token);
    };
    assert!(attempt(&without_a_row).is_ok());
    let added = |json: &mut Value| json["added_tokens"][1]["rstrip"] = true.into();
    let (_, notes) = attempt(&added).unwrap();
    assert!(notes[0].contains("beside special tokens"), "{notes:?}");
}

/// Llama 2's kind in small: scores are found where merges come of some, and nowhere else.
#[test]
fn merges_that_come_of_no_scores_are_refused() {
    let attempt = |merges: Value| {
        let vocabulary = ["<unk>", "</s>", "▁", "a", "b", "c", "ab", "bc", "abc", "▁a"];
        let ids = vocabulary.iter().enumerate();
        let vocabulary: serde_json::Map<_, _> = ids
            .map(|(id, text)| ((*text).to_owned(), id.into()))
            .collect();
        let special = |id: usize, text: &str| {
            serde_json::json!({"id": id, "content": text, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true})
        };
        let json = serde_json::json!({
            "version": "1.0",
            "added_tokens": [special(0, "<unk>"), special(1, "</s>")],
            "normalizer": null,
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false},
            "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
                "vocab": vocabulary, "merges": merges},
        });
        let tokenizer = GgufTokenizer {
            json: serde_json::to_vec(&json).unwrap(),
            special: glpft_checkpoints::SpecialTokens {
                eos: Some("</s>".to_owned()),
                unk: Some("<unk>".to_owned()),
                ..Default::default()
            },
            chat_template: None,
        };
        written(&tokenizer, 12)
    };
    let all = serde_json::json!([["b", "c"], ["a", "b"], ["▁", "a"], ["ab", "c"], ["a", "bc"]]);
    let (read, notes) = attempt(all).unwrap();
    assert!(notes[0].contains("puts a space after special tokens"));
    let read = Tokenizer::from_bytes(&read.json).unwrap();
    let tokens = |text: &str| read.encode(text, false).unwrap().get_tokens().to_vec();
    assert_eq!(tokens("abc"), ["▁a", "bc"]);
    assert_eq!(tokens("aab"), ["▁a", "ab"]);
    for merges in [
        // A pair whose whole is a token, and no merge.
        serde_json::json!([["b", "c"], ["a", "b"], ["▁", "a"], ["ab", "c"]]),
        // Two ways to one whole that stand apart.
        serde_json::json!([["b", "c"], ["ab", "c"], ["a", "b"], ["▁", "a"], ["a", "bc"]]),
    ] {
        let error = attempt(merges).unwrap_err();
        assert!(error.contains("come of no scores"), "{error}");
    }
}

#[test]
fn what_is_no_tokenizer_or_not_known_is_one_clear_error() {
    let base = |pre: &str| {
        Gguf::default()
            .text("tokenizer.ggml.model", "gpt2")
            .text("tokenizer.ggml.pre", pre)
            .count("tokenizer.ggml.eos_token_id", 1)
    };
    let merges = |gguf: Gguf| gguf.texts("tokenizer.ggml.merges", &["a b"]);
    let tokens = |gguf: Gguf| gguf.texts("tokenizer.ggml.tokens", &["a", "b", "ab"]);
    let spm = Gguf::default()
        .text("tokenizer.ggml.model", "llama")
        .count("tokenizer.ggml.eos_token_id", 1);
    assert!(read(&merges(tokens(base("gpt-2")))).is_ok());
    for (gguf, part) in [
        (Gguf::default(), "`tokenizer.ggml.tokens` is missing"),
        (tokens(Gguf::default()), "`tokenizer.ggml.model` is missing"),
        (
            tokens(Gguf::default().text("tokenizer.ggml.model", "t5")),
            "\"t5\" is not implemented",
        ),
        (tokens(base("gpt-2")), "`tokenizer.ggml.merges` is missing"),
        (
            merges(tokens(base("tekken"))),
            "\"tekken\" is not implemented; gpt-2, smollm",
        ),
        (
            merges(tokens(base(&"x".repeat(1000)))),
            "x\" is not implemented",
        ),
        (
            tokens(base("gpt-2")).texts("tokenizer.ggml.merges", &["ab"]),
            "not a pair",
        ),
        (
            tokens(base("gpt-2")).count("tokenizer.ggml.merges", 1),
            "a list of texts",
        ),
        (
            merges(base("gpt-2").texts("tokenizer.ggml.tokens", &["a", "b", "a"])),
            "tokens 0 and 2 are the same",
        ),
        (
            merges(tokens(base("gpt-2"))).integers("tokenizer.ggml.token_type", &[1, 1]),
            "3 tokens and types of 2",
        ),
        (
            merges(tokens(base("gpt-2"))).integers("tokenizer.ggml.token_type", &[1, 1, 9]),
            "a type that is none",
        ),
        (
            merges(tokens(base("gpt-2"))).count("tokenizer.ggml.bos_token_id", 3),
            "is 3, outside its 3 tokens",
        ),
        (
            merges(tokens(
                Gguf::default()
                    .text("tokenizer.ggml.model", "gpt2")
                    .text("tokenizer.ggml.pre", "qwen2"),
            )),
            "no end of sequence",
        ),
        (tokens(spm.clone()), "`tokenizer.ggml.scores` is missing"),
        (
            tokens(spm.clone()).singles("tokenizer.ggml.scores", &[0.0; 2]),
            "scores of 2",
        ),
        (
            tokens(spm.clone()).singles("tokenizer.ggml.scores", &[0.0, f32::NAN, 0.0]),
            "score no number",
        ),
        (
            tokens(spm.clone())
                .singles("tokenizer.ggml.scores", &[0.0; 3])
                .flag("tokenizer.ggml.remove_extra_whitespaces", true),
            "not implemented",
        ),
        (
            spm.texts("tokenizer.ggml.tokens", &["a", &"b".repeat(5000)]),
            "5000 bytes long",
        ),
    ] {
        let error = read(&gguf).unwrap_err();
        assert!(error.contains(part), "{error}");
        assert!(error.len() < 500, "{error}");
    }
}
