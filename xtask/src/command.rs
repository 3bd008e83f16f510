//! Programs that commands run.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::root;

pub fn cargo(arguments: &[&str]) -> Result<(), String> {
    run(
        &env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        arguments,
    )
}

/// Runs a program in the repository's root, and says what it runs and how long that took.
pub fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
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

/// Whether a program is installed.
pub fn exists(program: &str) -> bool {
    let mut command = Command::new(program);
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.arg("--version").status().is_ok()
}

/// Says that something was not checked; `.ci/run` counts these lines.
pub fn skipped(what: &str, program: &str) {
    println!("skipped: {what}: no {program}");
}
