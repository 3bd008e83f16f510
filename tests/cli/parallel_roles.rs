//! `glpft run --parallel roles`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use glpft_checkpoints::lease_holder;

use crate::run_files::{differences, files};
use crate::{TINY, folder, glpft, json};

/// Steps enough to be interrupted in them.
const RUN: [&str; 6] = [
    "run",
    "sample",
    "--out=run",
    "--threads=1",
    "--max-steps=400",
    "--set=stage.checkpoint_every=20",
];
const PARALLEL: &str = "--parallel=roles";

fn in_sequence(directory: &Path) {
    fs::create_dir(directory).unwrap();
    glpft(directory, RUN.iter().chain(&TINY).chain(&["--quiet"])).ok();
}

fn assert_same(one: &Path, other: &Path) {
    let (one, mut other) = (files(&one.join("run")), files(&other.join("run")));
    // What their processes told.
    other.retain(|name, _| !name.starts_with("/logs/"));
    let differing = differences(&one, &other);
    assert!(differing.is_empty(), "{differing:?}");
}

fn start(directory: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    command
        .current_dir(directory)
        .args(RUN)
        .args(TINY)
        .args([PARALLEL, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Tests that a script started in the background were told to ignore it, and so would the program.
    let hear = || {
        // SAFETY: `signal` is async-signal-safe.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: what runs between fork and exec is async-signal-safe.
    unsafe { command.pre_exec(hear) };
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Starts it and does something once all roles have trained a step; exit code and stderr.
fn disturb(directory: &Path, disturbance: impl FnOnce(&mut Child)) -> (Option<i32>, String) {
    let (mut child, mut lines) = start(directory);
    let models = directory.join("run/models");
    let mut left = vec!["planner", "caller", "summarizer"];
    // On a busy machine one may have been trained before all others had begun.
    left.retain(|stage| !models.join(stage).exists());
    while !left.is_empty() {
        let Some(line) = lines.next() else {
            let output = child.wait_with_output().unwrap();
            panic!("{left:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let told = json(&line.unwrap());
        if told["event"] == "step" {
            left.retain(|stage| told["stage"] != *stage);
        }
    }
    disturbance(&mut child);
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), told)
}

fn kill(process: u32, signal: i32) {
    // SAFETY: the process was started by this one, or by one that was.
    assert_eq!(unsafe { libc::kill(process as i32, signal) }, 0);
}

#[test]
fn roles_in_parallel_are_the_roles_in_sequence_whatever_ends_one_or_all() {
    let here = folder();
    let (whole, parallel) = (here.path().join("whole"), here.path().join("parallel"));
    in_sequence(&whole);
    fs::create_dir(&parallel).unwrap();
    let run = parallel.join("run");

    // One role's process is killed: the others stop, and the message names it.
    let (code, told) = disturb(&parallel, |_| {
        let caller = lease_holder(&run, "caller").unwrap();
        kill(caller.process, libc::SIGKILL);
    });
    assert_eq!(code, Some(1), "{told}");
    for part in [
        "error: the caller failed: its process was ended by signal 9",
        "stopped with checkpoints",
        "the same command resumes",
        "logs/caller.log",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert!(!run.join("summary.json").exists());

    // Ctrl-C reaches this process alone, and stops all.
    let (code, told) = disturb(&parallel, |child| kill(child.id(), libc::SIGINT));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("interrupted in"), "{told}");
    let errors = told.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{told}");

    // If it is killed itself, the roles end by themselves.
    let (code, _) = disturb(&parallel, |child| child.kill().unwrap());
    assert_eq!(code, None);
    let begun = Instant::now();
    for role in ["planner", "caller", "summarizer"] {
        while lease_holder(&run, role).is_some() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{role} goes on");
            sleep(Duration::from_millis(50));
        }
    }

    let told = glpft(&parallel, RUN.iter().chain(&TINY).chain(&[PARALLEL])).ok();
    assert!(told.contains("summarizer"), "{told}");
    assert_same(&whole, &parallel);
    let log = fs::read_to_string(run.join("logs/planner.log")).unwrap();
    assert!(log.contains("# planner on cpu, 1 thread"), "{log}");
    assert!(log.contains("\"event\":\"finished\""), "{log}");
}

#[test]
fn what_cannot_be_parallel_is_refused() {
    let here = folder();
    let refused = |more: &[&str], parts: &[&str]| {
        let run = ["run", "sample", "--out=run"];
        glpft(here.path(), run.iter().chain(more)).fails(2, parts);
        assert!(!here.path().join("run").exists());
    };
    refused(
        &[PARALLEL, "--set=arrangement=single"],
        &["--parallel", "arrangement single has no roles"],
    );
    refused(&["--device=cpu,cpu"], &["--device", "--parallel roles"]);
    refused(&[PARALLEL, "--device=cpu,gpu"], &["gpu"]);
}
