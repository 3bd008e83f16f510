//! The examples for users of the library run.

use std::path::PathBuf;
use std::process::Command;

use crate::folder;

/// An example's program, which `cargo test` builds beside the tests of all packages.
fn example(name: &str) -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent()?.parent()?.join("examples");
    let file = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    file.is_file().then_some(file)
}

fn run(name: &str, arguments: &[&str], told: &[&str]) {
    let folder = folder();
    let Some(program) = example(name) else {
        println!("skipped: the example {name} is not built");
        return;
    };
    let output = Command::new(program)
        .current_dir(folder.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    told.iter()
        .for_each(|part| assert!(text.contains(part), "{text}"));
}

#[test]
fn a_role_is_trained_and_asked_from_code() {
    let there = folder();
    let made = there.path().join("made");
    let made = made.to_str().unwrap();
    run(
        "train_roles",
        &[made],
        &["planner: loss", "summarizer: loss"],
    );
    if std::path::Path::new(made).exists() {
        run("ask_team", &[made], &["prompt tokens"]);
    }
}

#[test]
fn a_tool_server_and_scores_are_a_few_lines() {
    run("tool_server", &[], &["time_for_clock → ", "12:00", "noon"]);
}
