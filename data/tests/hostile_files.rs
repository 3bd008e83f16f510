//! Files too large, too deep or no files at all: one clear error, at once.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use answers::{COMPAT, FIXED, answer, call, directory};
use glpft_data::{PromptTokenizer, Prompts, Source};
use serde_json::json;

/// A file of so many bytes that takes no room.
fn huge(path: &Path, bytes: u64) {
    File::create(path).unwrap().set_len(bytes).unwrap();
}

fn good() -> Vec<u8> {
    let finish = r#"{"return_type": "give_answer", "final_answer": "a"}"#;
    answer("q", &[call(None, "Finish", finish)])
        .to_string()
        .into_bytes()
}

/// What the one bad answer beside a good one is left out for.
fn left_out(make: impl FnOnce(&Path)) -> String {
    let directory = directory([("answer/G1_answer/2_x.json", good())]);
    make(&directory.path().join("answer/G1_answer/1_x.json"));
    let source = Source::open(directory.path(), None).unwrap();
    let read = source.read_conversations(&FIXED, &mut |_, _| ()).unwrap();
    assert_eq!(read.report.kept, 1, "{}", read.report);
    assert_eq!(read.report.bad.len(), 1, "{}", read.report);
    let reason = read.report.bad[0].reason.clone();
    assert!(reason.len() < 300, "{} bytes", reason.len());
    reason
}

#[test]
fn answers_of_any_size_and_depth() {
    let started = Instant::now();
    let bytes = |bytes: Vec<u8>| left_out(move |path| fs::write(path, bytes).unwrap());
    let gigabyte = left_out(|path| huge(path, 1 << 30));
    assert!(gigabyte.contains("larger than 64 MiB"), "{gigabyte}");
    let long = format!("{{\"answer_generation\": \"{}\"}}", "x".repeat(8 << 20));
    assert!(bytes(long.into_bytes()).contains("not an object"));
    let depth = 500_000;
    for opening in [
        "[",
        "{\"answer_generation\":",
        "{\"x\":",
        "{\"answer_generation\":{\"train_messages\":[",
    ] {
        let reason = bytes(opening.repeat(depth).into_bytes());
        assert!(reason.contains("is not valid JSON"), "{reason}");
    }
    assert!(bytes(b"{\"answer_generation\": \"\xff\xfe\"}".to_vec()).contains("is not UTF-8 text"));
    assert!(bytes(b"{\"answer_generation\": NaN}".to_vec()).contains("is NaN, not an object"));
    let number = br#"{"answer_generation": {"valid_data": true, "train_messages": 1e999999}}"#;
    let number = bytes(number.to_vec());
    assert!(number.contains("has no `function`"), "{number}");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_number_of_any_length_in_a_call() {
    // Python has integers of any length; a hundred thousand digits are kept as they are or refused, not computed with.
    let digits = "9".repeat(100_000);
    let arguments = format!("{{\"return_type\": \"give_answer\", \"final_answer\": {digits}}}");
    let text = answer("q", &[call(None, "Finish", &arguments)]).to_string();
    let directory = directory([
        ("answer/G1_answer/1_x.json", text.into_bytes()),
        ("answer/G1_answer/2_x.json", good()),
    ]);
    let started = Instant::now();
    for options in [COMPAT, FIXED] {
        let source = Source::open(directory.path(), None).unwrap();
        source.read_conversations(&options, &mut |_, _| ()).unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn stage_files_templates_and_tokenizers_of_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    huge(&path, (4 << 30) + 1);
    // Not asked for more than it may be, however large the file says it is.
    let error = Prompts::open(Some(&path)).unwrap_err().to_string();
    assert!(error.contains("larger than 1 MiB"), "{error}");
    huge(&path, (512 << 20) + 1);
    let error = PromptTokenizer::from_path(&path).unwrap_err().to_string();
    assert!(error.contains("larger than 512 MiB"), "{error}");
    for text in ["[", "[{\"conversations\": ", "[[", "{\"a\":"] {
        fs::write(&path, text.repeat(300_000)).unwrap();
        let error = Source::open(&path, None).unwrap_err().to_string();
        assert!(error.len() < 600, "{} bytes", error.len());
        fs::write(&path, text.repeat(300_000)).unwrap();
        assert!(PromptTokenizer::from_path(&path).is_err());
    }
    fs::write(
        &path,
        json!([{"conversations": "x".repeat(4 << 20)}]).to_string(),
    )
    .unwrap();
    let error = Source::open(&path, None)
        .and_then(|source| source.read_conversations(&COMPAT, &mut |_, _| ()));
    assert!(error.unwrap_err().to_string().len() < 600);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [&pipe, Path::new("/dev/zero")] {
        let errors = [
            Source::open(path, None).unwrap_err().to_string(),
            Prompts::open(Some(path)).unwrap_err().to_string(),
            PromptTokenizer::from_path(path).unwrap_err().to_string(),
        ];
        for error in errors {
            assert!(error.contains("not a regular file"), "{error}");
        }
    }
    let reason = left_out(|path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    });
    assert!(reason.contains("not a regular file"), "{reason}");
}

/// Each replacement doubles; thirty of them would make a gigabyte of one letter.
#[test]
fn a_normalizer_that_grows_without_end() {
    let mut json: serde_json::Value =
        serde_json::from_slice(glpft_data::sample::tokenizer()).unwrap();
    assert!(PromptTokenizer::from_bytes(json.to_string().as_bytes(), "</s>").is_ok());
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
    let between =
        json!({"type": "Replace", "pattern": {"Regex": "()"}, "content": "x".repeat(5000)});
    for (part, parts, steps) in [
        ("normalizer", "normalizers", vec![double.clone(); 30]),
        ("decoder", "decoders", vec![double; 30]),
        ("normalizer", "normalizers", vec![between]),
    ] {
        let before = json[part].take();
        json[part] = json!({"type": "Sequence", parts: steps});
        let error = PromptTokenizer::from_bytes(json.to_string().as_bytes(), "</s>");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("times as long"), "{error}");
        json[part] = before;
    }
}
