//! One process a run.

use std::fs::File;

use crate::{folder, glpft, smoke};

#[test]
fn a_second_process_is_refused_at_once() {
    let here = folder();
    glpft(here.path(), ["prepare", "quickstart", "-q"]).ok();
    let run = here.path().join("runs/quickstart");
    let file = File::open(run.join(".lock")).unwrap();
    file.try_lock().unwrap();
    let parts = ["runs/quickstart", "at work"];
    glpft(here.path(), ["prepare", "quickstart"]).fails(1, &parts);
    smoke(here.path(), &["run", "runs/quickstart", "--overwrite"]).fails(1, &parts);
    let train = [
        "train",
        "quickstart",
        "--stage=global",
        "--out=runs/quickstart",
    ];
    glpft(here.path(), train).fails(1, &parts);
    assert!(run.join("data/prepare.json").exists());
    // Readers do not mind.
    glpft(here.path(), ["data", "inspect", "runs/quickstart"]).ok();
    drop(file);
    glpft(here.path(), ["prepare", "quickstart", "-q"]).ok();
}
