//! Every parser of files and of tools' replies, as one list: the mutation test and the fuzz targets both run it.
//!
//! A parser here is all that the program does with a file of that kind before it trusts it. An error is as good an
//! answer as a result; a panic, a hang or memory without bound is not.

mod chat;
mod gguf;
mod live;
mod models;
mod mutate;
mod records;
mod sources;
mod texts;
mod tools;

use std::path::Path;

pub use mutate::Mutator;

/// Something that reads outside data.
#[derive(Clone, Copy)]
pub struct Parser {
    /// Its name, also its fuzz target's.
    pub name: &'static str,
    /// Reads a file's content to the end, whatever comes of it. The folder is empty but for this parser's own files.
    pub read: fn(&[u8], &Path),
    /// Whole files of the kind, made here or carried by the program.
    pub examples: fn() -> Vec<Vec<u8>>,
    /// Real files of the kind, as places among the fixtures.
    pub fixtures: &'static [&'static str],
}

/// Every parser.
pub const PARSERS: &[Parser] = &[
    models::SAFETENSORS,
    models::INDEX,
    models::CONFIG,
    models::ADAPTER_CONFIG,
    models::TOKENIZER,
    models::TRAINER_STATE,
    models::LEASE,
    gguf::GGUF,
    gguf::GGUF_TOKENIZER,
    sources::ANSWER,
    sources::STAGE_FILE,
    records::RECORDS,
    records::PYTHON_LITERAL,
    sources::TEST_QUERIES,
    sources::PROMPTS,
    sources::PREPARED,
    chat::CHAT,
    texts::RECIPE,
    texts::OVERRIDE,
    texts::PREDICTIONS,
    texts::OUTPUT,
    texts::PYTHON_JSON,
    texts::LENIENT_JSON,
    tools::TOOL_REPLY,
    tools::TOOL_CACHE,
    tools::INSTRUCTIONS,
    live::LIVE_FILES,
    live::JUDGE_REPLY,
    tools::MODEL_REPLY,
];

/// Reads `data` by the parser `name`: what a fuzz target does.
///
/// # Panics
/// Where there is no such parser, no temporary folder, or the parser has a defect.
#[allow(
    clippy::expect_used,
    reason = "a fuzz target has nobody to report to but the fuzzer"
)]
pub fn fuzz(name: &str, data: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a temporary folder");
    }
    let parser = PARSERS.iter().find(|parser| parser.name == name);
    let parser = parser.expect("a parser of that name");
    FOLDER.with(|folder| (parser.read)(data, folder.path()));
}

/// Writes a file that a parser then reads.
#[allow(
    clippy::expect_used,
    reason = "a fuzz target has nobody to report to but the fuzzer"
)]
fn put(path: &Path, data: &[u8]) {
    std::fs::write(path, data).expect("the temporary folder is writable");
}
