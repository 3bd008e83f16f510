//! Several processes in one run's directory, a stage each.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use glpft_checkpoints::LEASES_FOLDER;
use serde_json::Value;

use crate::ownership::hold;
use crate::run_files::{differences, files};
use crate::{TINY, folder, glpft, json};

/// A process that trains a stage of `run/` with one thread.
struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(directory: &Path, stage: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
            .current_dir(directory)
            .args(["train", "sample", "--out=run", "--json", "--threads=1"])
            .args(["--stage", stage])
            .args(TINY)
            .args(more)
            .env("GLPFT_LEASE_SECONDS", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads up to the first event of a kind.
    fn until(&mut self, event: &str) -> Value {
        let mut events = self.lines.by_ref().map(|line| json(&line.unwrap()));
        let found = events.find(|told| told["event"] == event);
        found.unwrap_or_else(|| panic!("no {event}"))
    }

    /// Reads up to where it says that it waits for something.
    fn until_waiting(&mut self, what: &str) -> Value {
        loop {
            let told = self.until("waiting");
            if told["for"] == what {
                return told;
            }
        }
    }

    /// Waits for its end: exit code, the events that were not read yet, stderr.
    fn end(self) -> (Option<i32>, Vec<Value>, String) {
        let events = self.lines.map(|line| json(&line.unwrap())).collect();
        let output = self.child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), events, told)
    }

    /// Waits for its end, which is a good one; the events that were not read yet.
    fn ok(self) -> Vec<Value> {
        let (code, events, told) = self.end();
        assert_eq!(code, Some(0), "{told}");
        events
    }
}

fn train(directory: &Path, stage: &str, more: &[&str]) {
    Worker::start(directory, stage, more).ok();
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|told| told["event"] == kind).count()
}

/// The run of one process, in a folder of its own.
fn whole(directory: &Path, more: &[&str]) {
    fs::create_dir(directory).unwrap();
    let run = ["run", "sample", "--out=run", "--threads=1", "--quiet"];
    glpft(directory, run.iter().chain(&TINY).chain(more)).ok();
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (files(&one.join("run")), files(&other.join("run")));
    assert!(one.len() > 20);
    let differing = differences(&one, &other);
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn a_process_a_role_makes_the_run_of_one_process() {
    let here = folder();
    let few = ["--max-steps=4"];
    whole(&here.path().join("whole"), &few);
    let shared = here.path().join("shared");
    fs::create_dir(&shared).unwrap();
    // Without a global model, and nobody who makes it, nothing is waited for.
    let (code, _, told) = Worker::start(&shared, "planner", &few).end();
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("train the global stage first"), "{told}");

    let mut global = Worker::start(&shared, "global", &few);
    global.until("step");
    let mut planner = Worker::start(&shared, "planner", &few);
    let mut caller = Worker::start(&shared, "caller", &few);
    // The global stage takes no time: they wait for it, or find it done.
    global.ok();
    planner.until("step");
    caller.until("step");
    // Whoever comes for any role takes one that is free.
    let rest = Worker::start(&shared, "local", &few).ok();
    let trained = rest.iter().filter(|told| told["event"] == "step");
    let stages: Vec<&Value> = trained.map(|told| &told["stage"]).collect();
    assert!(stages.contains(&&"summarizer".into()), "{stages:?}");
    planner.ok();
    caller.ok();
    assert_same(&here.path().join("whole"), &shared);
}

#[test]
fn of_two_that_come_for_a_stage_one_trains_it() {
    let here = folder();
    let few = ["--max-steps=4", "--set=arrangement=one-stage"];
    whole(&here.path().join("whole"), &few);
    let shared = here.path().join("shared");
    fs::create_dir(&shared).unwrap();
    train(&shared, "planner", &few);
    train(&shared, "summarizer", &few);
    let lease = hold(&shared.join("run"), "caller");
    let mut both = [(); 2].map(|()| Worker::start(&shared, "caller", &few));
    for one in &mut both {
        let told = one.until_waiting("caller");
        let process = std::process::id().to_string();
        assert!(told["holder"].as_str().unwrap().contains(&process));
    }
    drop(lease);
    let events = both.map(Worker::ok);
    let mut steps = events.each_ref().map(|events| count(events, "step"));
    steps.sort_unstable();
    assert_eq!(steps, [0, 4]);
    // Both say what became of it.
    assert!(events.iter().all(|events| count(events, "finished") == 1));
    assert_same(&here.path().join("whole"), &shared);
}

#[test]
fn who_waits_for_a_stage_goes_on_with_it_where_the_other_was_killed() {
    let here = folder();
    let many = [
        "--max-steps=200",
        "--set=arrangement=one-stage",
        "--set=stage.checkpoint_every=10",
    ];
    let (whole_run, shared) = (here.path().join("whole"), here.path().join("shared"));
    for directory in [&whole_run, &shared] {
        fs::create_dir(directory).unwrap();
    }
    train(&whole_run, "caller", &many);
    let mut first = Worker::start(&shared, "caller", &many);
    first.until("checkpoint");
    let mut second = Worker::start(&shared, "caller", &many);
    second.until_waiting("caller");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let begun = second.until("start");
    assert!(begun["done"].as_u64().unwrap() >= 10, "{begun}");
    second.ok();
    assert_same(&whole_run, &shared);
}

/// Makes the lease of a stage one of another machine, which does not renew it.
fn to_another_machine(run: &Path, stage: &str) {
    let leases = run.join(LEASES_FOLDER);
    let mut last = 0;
    for entry in fs::read_dir(&leases).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let number = name.strip_prefix(&format!("{stage}."));
        last = number.map_or(last, |number| number.parse().unwrap());
    }
    let at = |number: u64| leases.join(format!("{stage}.{number}"));
    let mut lease = crate::read_json(&at(last));
    lease["machine"]["host"] = "node2".into();
    lease["machine"]["boot"] = "another".into();
    lease["token"] = "another".into();
    lease["free"] = false.into();
    // A file of its own, as the other machine would have made it.
    fs::write(at(last + 1), "").unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(at(last + 1)).unwrap());
    lease["inode"] = inode.into();
    fs::write(at(last + 1), lease.to_string()).unwrap();
    fs::remove_file(at(last)).unwrap();
}

#[test]
fn a_lost_machines_stage_is_taken_and_whoever_lost_it_writes_nothing_more() {
    let here = folder();
    let many = [
        "--max-steps=4000",
        "--set=arrangement=one-stage",
        "--set=stage.checkpoint_every=1",
    ];
    let run = here.path().join("run");
    let mut slow = Worker::start(here.path(), "caller", &many);
    slow.until("checkpoint");
    to_another_machine(&run, "caller");
    let (code, _, told) = slow.end();
    assert_eq!(code, Some(1), "{told}");
    for part in ["lease", "on node2", "writes nothing more"] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!run.join("models/caller").exists());
    // A machine that renews nothing is waited for no longer than its lease.
    let mut next = Worker::start(here.path(), "caller", &many);
    let begun = next.until("start");
    assert!(begun["done"].as_u64().unwrap() >= 1, "{begun}");
    next.child.kill().unwrap();
    next.child.wait().unwrap();
}
