//! One process a run, or one a stage.

use std::path::Path;
use std::time::Duration;

use glpft_checkpoints::{Claim, Claimed, Lease};

use crate::{folder, glpft, smoke};

/// Has this process be at work in a run.
pub fn hold(run: &Path, name: &str) -> Lease {
    let claim = Claim {
        folder: run,
        name,
        work: "tests",
        threads: 2,
        length: Duration::from_secs(120),
    };
    match claim.take_now().unwrap() {
        Claimed::Ours(lease) => lease,
        Claimed::Held(holder) => panic!("{holder} has {name}"),
    }
}

#[test]
fn a_second_process_is_refused_at_once() {
    let here = folder();
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
    let run = here.path().join("runs/sample");
    let process = std::process::id().to_string();
    let parts = ["runs/sample", "at work", &process];
    // Whoever needs all of it needs it alone.
    for name in ["run", "caller"] {
        let lease = hold(&run, name);
        glpft(here.path(), ["prepare", "sample"]).fails(1, &parts);
        smoke(here.path(), &["run", "runs/sample", "--overwrite"]).fails(1, &parts);
        assert!(run.join("data/prepare.json").exists());
        // Readers do not mind.
        glpft(here.path(), ["data", "inspect", "runs/sample"]).ok();
        let told = glpft(here.path(), ["status", "runs/sample"]).ok();
        assert!(told.contains(&process), "{told}");
        drop(lease);
    }
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
    // Roles read the global model for as long as they are trained.
    let _lease = hold(&run, "caller");
    let train = ["train", "runs/sample", "--stage=global", "--overwrite"];
    smoke(here.path(), &train).fails(1, &parts);
}
