//! The program as a user meets it: every command, on sizes that train in seconds, and bad input.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

mod changes;
mod compare;
mod data;
mod disk;
mod early;
mod environment;
mod eval;
mod eval_static;
mod examples;
mod export;
mod frozen_weights;
mod gguf;
mod improve;
mod live;
mod loss_curve;
mod mixed_team;
mod models;
mod outputs;
mod ownership;
mod parallel_roles;
mod perplexity;
mod prepare;
mod published;
mod quickstart;
mod ranks;
mod recipes;
mod report;
mod resume;
#[path = "../kill/compare.rs"]
mod run_files;
mod runs;
mod serve;
mod serving;
mod shared;
mod signals;
mod slice;
mod splits;
mod starts;
mod status;
mod study;
mod team;
mod training;
mod waking;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a command did.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Outcome {
    /// Its stdout; it must have gone well.
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// What came of a command.
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its stderr; it must have failed with this code, in one message that holds all of `parts`.
    fn fails(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in: {}", self.err);
        }
        self.err
    }
}

/// Runs `glpft` in a directory.
fn glpft<A: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = A>) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    Outcome::of(command.current_dir(directory).args(arguments))
}

/// Runs `glpft run` or `glpft train` for two steps a stage on one thread.
fn smoke(directory: &Path, arguments: &[&str]) -> Outcome {
    let small = ["--max-steps=2", "--threads=1"];
    glpft(directory, arguments.iter().chain(&small))
}

/// A random model whose steps take some milliseconds.
const TINY: [&str; 5] = [
    "--set=model.random.hidden_size=32",
    "--set=model.random.intermediate_size=64",
    "--set=model.random.layers=1",
    "--set=model.random.heads=2",
    "--set=model.random.kv_heads=1",
];

/// A whole model directory, trained for two steps.
fn small_model(directory: &Path) -> PathBuf {
    let run = ["run", "sample", "--set=arrangement=single", "--out=made"];
    smoke(directory, &run).ok();
    directory.join("made/models/global")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The sample's raw answers as a directory of the user's.
fn raw_source(directory: &Path) -> PathBuf {
    let source = directory.join("toolbench");
    glpft_data::sample::write_source(&source).unwrap();
    source
}

/// `--set KEY=PATH`.
fn set(key: &str, value: impl AsRef<Path>) -> String {
    format!("--set={key}={}", value.as_ref().display())
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn read_json(path: &Path) -> serde_json::Value {
    json(&std::fs::read_to_string(path).unwrap())
}
