//! Raw answer files, written by hand.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a test ends where something is amiss"
)]

use std::path::Path;

use glpft_data::{ReadOptions, Source, SourceError};
use serde_json::{Value, json};

pub const COMPAT: ReadOptions = ReadOptions {
    ..ReadOptions::PUBLISHED
};

pub const FIXED: ReadOptions = ReadOptions {
    valid_only: true,
    ..ReadOptions::FIXED
};

/// An assistant's message that calls a function.
pub fn call(content: Option<&str>, name: &str, arguments: &str) -> Value {
    json!({"role": "assistant", "content": content, "function_call": {"name": name, "arguments": arguments}})
}

/// A function's message.
pub fn returned(content: &str) -> Value {
    json!({"role": "function", "name": "f", "content": content})
}

/// A raw answer of one path, in the layout of a tree search.
pub fn answer(query: &str, path: &[Value]) -> Value {
    let mut chain = vec![
        json!({"role": "system", "content": "You are"}),
        json!({"role": "user", "content": "\nBegin!"}),
    ];
    chain.extend_from_slice(path);
    json!({
        "win": true,
        "tree": {"size": 1, "tree": {"children": []}},
        "answer_generation": {
            "valid_data": true,
            "function": [
                {"name": "f", "description": "does f", "parameters": {"type": "object", "properties": {
                    "a": {"type": "string", "description": "", "example_value": "x"},
                    "b": {"type": "integer"},
                }}},
                {"name": "Finish", "description": "ends", "parameters": {"type": "object", "properties": {}}},
            ],
            "chain": [],
            "train_messages": [chain[..2].to_vec(), chain],
            "query": query,
        },
    })
}

/// A raw directory: paths below it and their contents.
pub fn directory<'f>(files: impl IntoIterator<Item = (&'f str, Vec<u8>)>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// The turns of a path that is read as a raw answer, `from: value` each.
pub fn turns(path: &[Value], options: &ReadOptions) -> Vec<String> {
    let file = (
        "answer/G1_answer/1_x.json",
        answer("q", path).to_string().into_bytes(),
    );
    let directory = directory([file]);
    let read = read(directory.path(), options).unwrap();
    let turns = &read.conversations[0].turns;
    turns
        .iter()
        .map(|turn| format!("{}: {}", turn.from.name(), turn.value))
        .collect()
}

/// Everything of the source at `path`.
pub fn read(path: &Path, options: &ReadOptions) -> Result<glpft_data::Conversations, SourceError> {
    Source::open(path, None)?.read_conversations(options, &mut |_, _| ())
}
