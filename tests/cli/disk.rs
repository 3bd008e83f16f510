//! Disks that are full or read-only while a run is under way, where the machine lets this test mount one.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use glpft_checkpoints::latest_checkpoint;

use crate::{Outcome, folder, glpft};

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
fn train(directory: &Path, out: &str) -> Outcome {
    let out = format!("--out={out}");
    let arguments = [
        "train",
        "sample",
        "--stage=global",
        "--threads=1",
        "-q",
        &out,
    ];
    let settings = [
        "model.random.hidden_size=32",
        "model.random.intermediate_size=64",
        "model.random.layers=1",
        "model.random.heads=2",
        "model.random.kv_heads=1",
        "stage.max_steps=4",
        "stage.batch=1",
        "stage.checkpoint_every=1",
        "stage.keep_checkpoints=9",
    ];
    let settings = settings.map(|setting| format!("--set={setting}"));
    glpft(
        directory,
        arguments.map(str::to_owned).iter().chain(&settings),
    )
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that skips itself says so")]
fn a_full_disk_stops_the_stage_and_room_lets_it_go_on() {
    let here = folder();
    let path = here.path().join("disk");
    let Some(disk) = Disk::mount(&path, "1m") else {
        eprintln!("skipped: no permission to mount a small file system");
        return;
    };
    train(here.path(), "whole").ok();
    let stage = path.join("run/stages/global");
    let (mut refused, mut last) = (0, 0);
    // More room each time: for the data, then for one more checkpoint, at last for the model.
    for megabytes in 1..40 {
        disk.set(&format!("size={megabytes}m"));
        let outcome = train(here.path(), "disk/run");
        let saved = latest_checkpoint(&stage).unwrap();
        if let Some(saved) = saved {
            let step = saved.state().unwrap().step;
            assert!(step >= last, "{step} after {last}");
            last = step;
        }
        if outcome.code == 0 {
            break;
        }
        let told = outcome.fails(1, &["the disk is full"]);
        refused += usize::from(told.contains("is whole: once that is mended"));
    }
    assert!(refused > 0, "no checkpoint was refused");
    let weights = "models/global/model.safetensors";
    let read = |run: &str| fs::read(here.path().join(run).join(weights)).unwrap();
    assert!(read("disk/run") == read("whole"));
    disk.set("ro");
    train(here.path(), "disk/other").fails(1, &["read-only"]);
}
