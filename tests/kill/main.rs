//! A run that is killed at any moment and started again ends with the same files as one that was left alone.
//!
//! `cargo test --release --test kill` kills ten times; `GLPFT_KILLS=100 cargo test --release --test kill` a hundred.
//! `GLPFT_KILL_SEED` draws other moments.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

mod compare;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use compare::{Files, files};
use glpft_checkpoints::{RunDirectory, SafetensorsFile, list_checkpoints};
use glpft_data::{Purpose, Random};
use glpft_train::read_log;

/// Four stages of a tiny model: full, LoRA, LoRA layer by layer, full with layers recomputed; prefix trees and
/// validation on, a checkpoint every second step, two of them and the best one kept. The global model is rounded to bf16,
/// and the adapters' ranks differ.
const SETTINGS: [&str; 21] = [
    "model.random.hidden_size=32",
    "model.random.intermediate_size=64",
    "model.random.layers=2",
    "model.random.heads=2",
    "model.random.kv_heads=1",
    "data.validation_fraction=0.05",
    "data.packing=tree",
    "stage.max_steps=7",
    "stage.batch=2",
    "stage.checkpoint_every=2",
    "stage.eval_every=3",
    "stage.keep_checkpoints=2",
    "stage.keep_best=true",
    "stage.lora.dropout=0.1",
    "stage.lora.rslora=true",
    "stage.lora.rank_pattern={ \"layers.1.self_attn.q_proj\" = 3 }",
    "model.dtype=bf16",
    "stage.planner.tune=lora",
    "stage.caller.tune=lora",
    "stage.caller.backward=layer-wise",
    "stage.summarizer.recompute=2",
];
const STAGES: [&str; 4] = ["global", "planner", "caller", "summarizer"];
const STEPS: u64 = 7;
const CHECKPOINT_EVERY: u64 = 2;

fn number(variable: &str, default: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(default, |text| text.parse().unwrap())
}

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(folder)
        .args(["run", "sample", "--out=run", "--threads=2", "--quiet"])
        .args(SETTINGS.map(|setting| format!("--set={setting}")))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
}

/// Runs it to the end and gives what it leaves.
fn whole(folder: &Path) -> Files {
    finish(start(folder));
    files(&folder.join("run"))
}

/// What must hold of a run's directory at any moment: every checkpoint opens, and no more is lost than the steps since
/// the last one.
fn check_killed(run: &RunDirectory) {
    let Ok(finished) = run.finished() else { return };
    for stage in STAGES {
        let checkpoints = list_checkpoints(&run.stage(stage)).unwrap();
        for checkpoint in &checkpoints {
            assert_eq!(checkpoint.state().unwrap().step, checkpoint.step);
            for entry in fs::read_dir(&checkpoint.path).unwrap() {
                let path = entry.unwrap().path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "safetensors")
                {
                    SafetensorsFile::open(&path).unwrap();
                }
            }
        }
        let saved = checkpoints.last().map_or(0, |last| last.step);
        let records = read_log(&run.stage(stage)).unwrap_or_default();
        let logged = records.iter().map(|record| record.step()).max();
        let lost = logged.unwrap_or(0).saturating_sub(saved);
        assert!(
            lost <= CHECKPOINT_EVERY,
            "{stage}: {logged:?} logged, {saved} saved"
        );
        if finished.iter().any(|name| name == stage) {
            assert_eq!(saved, STEPS, "{stage} is finished");
        }
    }
}

fn check_logs(run: &RunDirectory) {
    for stage in STAGES {
        let records = read_log(&run.stage(stage)).unwrap();
        let steps = records.iter().filter_map(|record| match record {
            glpft_train::LogRecord::Step(record) => Some(record.step),
            _ => None,
        });
        assert_eq!(
            steps.collect::<Vec<_>>(),
            (1..=STEPS).collect::<Vec<_>>(),
            "{stage}"
        );
    }
}

#[test]
fn killed_at_any_moment_a_run_goes_on_to_the_same_files() {
    let (kills, seed) = (number("GLPFT_KILLS", 10), number("GLPFT_KILL_SEED", 1));
    let here = tempfile::tempdir().unwrap();
    let folder = here.path();
    let root = folder.join("run");
    // The second is timed: the first has read the program from the disk.
    let expected = whole(folder);
    fs::remove_dir_all(&root).unwrap();
    let started = Instant::now();
    assert!(
        whole(folder) == expected,
        "two runs differ that were left alone"
    );
    let lasts = started.elapsed();
    check_logs(&RunDirectory::open(&root).unwrap());
    fs::remove_dir_all(&root).unwrap();

    let random = Random::new(seed, None, 0, Purpose::Synthetic);
    let (mut killed, mut tried) = (0, 0);
    while killed < kills {
        assert!(tried < 10 * kills, "the runs end before they are killed");
        let after = lasts * random.below(1_000_000, tried) as u32 / 1_000_000;
        tried += 1;
        let mut child = start(folder);
        sleep(after);
        let in_time = child.try_wait().unwrap().is_none();
        // One of three is asked to end, and saves what it has.
        match killed % 3 == 2 && in_time {
            true => terminate(&child),
            false => child.kill().unwrap(),
        }
        child.wait().unwrap();
        if in_time {
            killed += 1;
            if let Ok(run) = RunDirectory::open(&root) {
                check_killed(&run);
            }
            finish(start(folder));
            let found = files(&root);
            let differs = compare::differences(&expected, &found);
            assert!(
                differs.is_empty(),
                "kill {killed}, after {after:?}: {differs:?}"
            );
            check_logs(&RunDirectory::open(&root).unwrap());
        }
        fs::remove_dir_all(&root).or_else(absent_is_fine).unwrap();
    }
    let after = Duration::from_millis(lasts.as_millis() as u64);
    println!(
        "killed {killed} times within the {after:?} that a run lasts, resumed to the same files {killed} times"
    );
}

fn terminate(child: &Child) {
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &process]).status();
    assert!(sent.unwrap().success());
}

/// A program killed at once has made nothing.
fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
