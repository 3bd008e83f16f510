//! Signals: those that the shell has the program ignore, and those that batch systems send.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{folder, json};

/// Starts the backbone's training of some steps, one of which takes no time, with an action of each signal that a shell
/// may have set.
fn start(directory: &Path, actions: &[(i32, usize)], more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    command
        .current_dir(directory)
        .args(["run", "sample", "--json", "--threads=1", "--max-steps=60"])
        .args(["--set=arrangement=single", "--out=run"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let actions = actions.to_vec();
    let set = move || {
        for &(signal, action) in &actions {
            // SAFETY: it may be called between fork and exec.
            unsafe { libc::signal(signal, action) };
        }
        Ok(())
    };
    // SAFETY: nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(set) };
    command.spawn().unwrap()
}

/// Sends signals after the first step; exit code, what was told on stdout after that step, and stderr.
fn after_a_step(mut child: Child, signals: &[i32]) -> (Option<i32>, Vec<Value>, String) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut events = lines.by_ref().map(|line| json(&line.unwrap()));
    assert!(events.any(|event| event["event"] == "step"));
    for &signal in signals {
        // SAFETY: the process is this one's child, and was not waited for.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
    }
    let rest = events.collect();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), rest, told)
}

/// The steps of the checkpoints that were written.
fn checkpoints(events: &[Value]) -> Vec<u64> {
    let of = |event: &Value| {
        let path = (event["event"] == "checkpoint").then(|| event["path"].as_str())??;
        path.rsplit_once("checkpoint-")?.1.parse().ok()
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let here = folder();
    let ignored = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGUSR1];
    let child = start(
        here.path(),
        &ignored.map(|signal| (signal, libc::SIG_IGN)),
        &[],
    );
    let (code, events, told) = after_a_step(child, &ignored);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    assert_eq!(checkpoints(&events), [60]);
    assert!(here.path().join("run/summary.json").is_file());
}

#[test]
fn a_terminal_that_is_closed_stops_the_stage_where_it_can_go_on() {
    let here = folder();
    let child = start(here.path(), &[(libc::SIGHUP, libc::SIG_DFL)], &[]);
    // As the shell and the system send it.
    let (code, events, told) = after_a_step(child, &[libc::SIGHUP, libc::SIGHUP]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("interrupted in stage global"), "{told}");
    let saved = checkpoints(&events);
    assert!(saved.len() == 1 && saved[0] < 60, "{saved:?}");
}

#[test]
fn a_batch_systems_warning_saves_and_goes_on_or_stops() {
    let here = folder();
    let warned = |more: &[&str]| {
        let child = start(here.path(), &[(libc::SIGUSR1, libc::SIG_DFL)], more);
        after_a_step(child, &[libc::SIGUSR1])
    };
    let (code, events, told) = warned(&[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("time is short"), "{told}");
    let saved = checkpoints(&events);
    assert!(
        saved.len() == 2 && saved[0] < 60 && saved[1] == 60,
        "{saved:?}"
    );

    let (code, events, told) = warned(&["--overwrite", "--on-usr1=stop"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("the same command again"), "{told}");
    let saved = checkpoints(&events);
    assert!(saved.len() == 1 && saved[0] < 60, "{saved:?}");
}
