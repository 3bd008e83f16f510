//! Disks that are full or read-only while a run is under way, where the machine lets this test mount one.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use glpft_checkpoints::latest_checkpoint;

use crate::environment::outcome;
use crate::folder;

/// A file system in memory, gone when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let options = format!("size={size}");
        mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], path).then_some(Self(path))
    }

    fn set(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], self.0));
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let mut mount = Command::new("mount");
    let status = mount
        .args(arguments)
        .arg(path)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Trains a backbone so small that its checkpoints are some hundred kilobytes.
fn train(directory: &Path, out: &str) -> Command {
    let out = format!("--out={out}");
    let arguments = [
        "train",
        "sample",
        "--stage=global",
        "--threads=1",
        "--json",
        &out,
    ];
    let settings = [
        "model.random.hidden_size=32",
        "model.random.intermediate_size=64",
        "model.random.layers=1",
        "model.random.heads=2",
        "model.random.kv_heads=1",
        "stage.max_steps=40",
        "stage.batch=1",
        "stage.checkpoint_every=1",
        "stage.keep_checkpoints=3",
    ];
    let settings = settings.map(|setting| format!("--set={setting}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    command
        .current_dir(directory)
        .args(arguments)
        .args(settings);
    command
}

/// Fills a disk with a file.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that skips itself says so")]
fn a_disk_without_room_is_told_before_a_step_and_one_that_fills_up_stops_the_stage() {
    let here = folder();
    let path = here.path().join("disk");
    let Some(disk) = Disk::mount(&path, "1m") else {
        eprintln!("skipped: no permission to mount a small file system");
        return;
    };
    outcome(&mut train(here.path(), "whole")).ok();
    let stage = path.join("run/stages/global");
    let mut refused = 0;
    // More room each time: for the data, then for all checkpoints and the model.
    for megabytes in 1..40 {
        disk.set(&format!("size={megabytes}m"));
        let filler = path.join("filler");
        let mut child = train(here.path(), "disk/run");
        let mut child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_checkpoint = |line: String| line.contains("\"checkpoint\"");
        let trains = lines.any(|line| is_checkpoint(line.unwrap()));
        if trains {
            fill(&filler);
        }
        lines.for_each(drop);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("the disk is full"), "{told}");
        if trains {
            assert!(told.contains("is whole: once that is mended"), "{told}");
            assert!(latest_checkpoint(&stage).unwrap().is_some());
            fs::remove_file(filler).unwrap();
            break;
        }
        assert!(latest_checkpoint(&stage).unwrap().is_none());
        refused += usize::from(told.contains("before anything is trained"));
    }
    assert!(refused > 0, "a run without room was begun");
    outcome(&mut train(here.path(), "disk/run")).ok();
    let weights = "models/global/model.safetensors";
    let read = |run: &str| fs::read(here.path().join(run).join(weights)).unwrap();
    assert!(read("disk/run") == read("whole"));
    disk.set("ro");
    outcome(&mut train(here.path(), "disk/other")).fails(1, &["read-only"]);
}
