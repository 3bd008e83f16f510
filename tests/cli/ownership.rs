//! One process a run.

use std::fs::File;

use crate::{folder, glpft, smoke};

#[test]
fn a_second_process_is_refused_at_once() {
    let here = folder();
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
    let run = here.path().join("runs/sample");
    let file = File::open(run.join(".lock")).unwrap();
    file.try_lock().unwrap();
    let parts = ["runs/sample", "at work"];
    glpft(here.path(), ["prepare", "sample"]).fails(1, &parts);
    smoke(here.path(), &["run", "runs/sample", "--overwrite"]).fails(1, &parts);
    let train = ["train", "sample", "--stage=global", "--out=runs/sample"];
    glpft(here.path(), train).fails(1, &parts);
    assert!(run.join("data/prepare.json").exists());
    // Readers do not mind.
    glpft(here.path(), ["data", "inspect", "runs/sample"]).ok();
    drop(file);
    glpft(here.path(), ["prepare", "sample", "-q"]).ok();
}
