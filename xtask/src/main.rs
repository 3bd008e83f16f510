//! The project's own commands. `cargo xtask check` is for every few minutes of work, `cargo xtask test` for before a push.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool that tells what it runs"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

mod circles;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check            formatting, links, the tests of the crates without burn, clippy
  test [WORDS…]    all tests, or those that cargo test selects by WORDS
  ci               everything, as CI runs it
  bench NAME [ARGUMENTS…]   a script of benches/, such as `roles`; without NAME, lists them";

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
        ["test", rest @ ..] => test(rest),
        ["ci"] => run(".ci/run", &[]),
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
    cargo(&["fmt", "--all", "--check"])?;
    if Command::new("python3").arg("--version").output().is_ok() {
        run(".ci/links", &[])?;
    }
    circles::check(&root(), &CRATES)?;
    let mut tests = vec!["test", "--release", "--locked", "--quiet"];
    tests.extend(BURN_FREE.iter().flat_map(|name| ["-p", name]));
    cargo(&tests)?;
    // Cargo checks what changed, and what depends on it.
    let clippy = [
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
    ];
    cargo(&[&clippy[..], &["--", "-D", "warnings"]].concat())
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

fn cargo(arguments: &[&str]) -> Result<(), String> {
    run(
        &env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        arguments,
    )
}

/// Runs a program in the repository's root.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let shown = [&[program][..], arguments].concat().join(" ");
    eprintln!("$ {shown}");
    let started = Instant::now();
    let program = match root().join(program) {
        script if script.is_file() => script,
        _ => PathBuf::from(program),
    };
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .map_err(|error| format!("{shown}: {error}"))?;
    eprintln!("  {:.0} s", started.elapsed().as_secs_f64());
    match status.success() {
        true => Ok(()),
        false => Err(format!("{shown} failed")),
    }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
