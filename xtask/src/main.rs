//! The project's own commands. `cargo xtask check` is for every few minutes of work, `cargo xtask test` for before a push.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool that tells what it runs"
)]

mod circles;
mod command;
mod site;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use command::{cargo, exists, run, skipped};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check            what `text` and `clippy` check, and the tests of the crates without burn
  test [WORDS…]    all tests, or those that cargo test selects by WORDS
  ci               everything, as CI runs it
  site             the documentation as a site, in target/book, where mdbook is installed
  bench NAME [ARGUMENTS…]   a script of benches/, such as `roles`; without NAME, lists them

parts of check and ci:
  text             formatting, sample files, links, circles of modules, spelling, licences: seconds
  clippy           clippy on everything";

/// Crates without burn: their tests need seconds to compile.
const BURN_FREE: [&str; 8] = [
    "glpft-recipes",
    "glpft-checkpoints",
    "glpft-data",
    "glpft-agent",
    "glpft-world",
    "glpft-eval",
    "glpft-serve",
    "glpft-hostile",
];

/// Every crate of the program, as folders.
const CRATES: [&str; 11] = [
    "recipes",
    "checkpoints",
    "data",
    "model",
    "agent",
    "world",
    "eval",
    "train",
    "serve",
    "hostile",
    ".",
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["check"] => check(),
        ["text"] => text(),
        ["clippy"] => clippy(),
        ["test", rest @ ..] => test(rest),
        ["ci"] => run(".ci/run", &[]),
        ["site"] => site::build(&root()),
        ["bench"] => list(),
        ["bench", name, rest @ ..] => bench(name, rest),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    text()?;
    let mut tests = vec!["test", "--release", "--locked", "--quiet"];
    tests.extend(BURN_FREE.iter().flat_map(|name| ["-p", name]));
    cargo(&tests)?;
    clippy()
}

/// Everything that needs no compiler, cheapest first. What needs a program that is not installed is skipped.
fn text() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"])?;
    circles::check(&root(), &CRATES)?;
    match exists("python3") {
        true => {
            run("python3", &["data/sample/make.py", "--check"])?;
            run(".ci/links", &[])?;
        }
        false => skipped("sample files and links", "python3"),
    }
    match exists("typos") {
        true => run("typos", &[])?,
        false => skipped("spelling", "typos"),
    }
    match exists("cargo-deny") {
        true => cargo(&[
            "deny",
            "--workspace",
            "--all-features",
            "check",
            "licenses",
            "bans",
            "sources",
        ]),
        false => {
            skipped("licences and bans", "cargo-deny");
            Ok(())
        }
    }
}

/// Cargo checks what changed, and what depends on it.
fn clippy() -> Result<(), String> {
    cargo(&[
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ])
}

fn test(words: &[&str]) -> Result<(), String> {
    let profile = ["test", "--release", "--locked"];
    // A selection of crates that need burn builds burn again: it is for those that do not.
    let selected = words
        .iter()
        .any(|word| *word == "-p" || word.starts_with("--package"));
    let all: &[&str] = if selected { &[] } else { &["--workspace"] };
    cargo(&[&profile[..], all, words].concat())
}

fn bench(name: &str, arguments: &[&str]) -> Result<(), String> {
    let script = format!("benches/{name}.py");
    if !root().join(&script).is_file() {
        list()?;
        return Err(format!("there is no {script}"));
    }
    run("python3", &[&[script.as_str()][..], arguments].concat())
}

/// The scripts of `benches/`, each with the first line that it says of itself.
fn list() -> Result<(), String> {
    let folder = root().join("benches");
    let entries = folder.read_dir().map_err(|error| error.to_string())?;
    let mut scripts: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    scripts.sort();
    for script in scripts {
        let text = std::fs::read_to_string(&script).unwrap_or_default();
        let line = text.lines().find_map(|line| line.split("\"\"\"").nth(1));
        let name = script.file_stem().unwrap_or_default().to_string_lossy();
        println!("{name:14} {}", line.unwrap_or_default());
    }
    Ok(())
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
