//! The first steps of the recipe `sample`, pinned: what moves a loss is seen in review.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::{folder, glpft, json};

/// How far a loss may be from the pinned one, in nats. Machines with other instructions add in another order, and a step's
/// update divides by what may be rounding; the change of a loss from step to step is a hundred times as large.
const TOLERANCE: f64 = 2e-3;

/// Step and loss of each stage, as their logs have them.
fn losses(run: &Path) -> BTreeMap<String, Vec<f64>> {
    let stages = fs::read_dir(run.join("stages"))
        .unwrap()
        .map(Result::unwrap);
    let of_stage = |directory: &Path| {
        let log = fs::read_to_string(directory.join("train_log.jsonl")).unwrap();
        let records = log.lines().map(json);
        records
            .filter_map(|record| record["loss"].as_f64())
            .collect()
    };
    stages
        .map(|stage| {
            (
                stage.file_name().into_string().unwrap(),
                of_stage(&stage.path()),
            )
        })
        .collect()
}

/// Written anew by `GLPFT_GOLDEN=write`.
#[test]
fn the_sample_learns_as_it_did() {
    let here = folder();
    let run = [
        "run",
        "sample",
        "--max-steps=5",
        "--threads=2",
        "--quiet",
        "--out=made",
    ];
    glpft(here.path(), run).ok();
    let found = losses(&here.path().join("made"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loss-curves/sample.txt");
    if std::env::var_os("GLPFT_GOLDEN").is_some_and(|value| value == "write") {
        let mut text = "# Losses of each stage's first steps, in nats a label token: see tests/cli/loss_curve.rs.\n".to_owned();
        for (stage, losses) in &found {
            write!(text, "{stage:12}").unwrap();
            losses
                .iter()
                .for_each(|loss| write!(text, " {loss:.5}").unwrap());
            text.push('\n');
        }
        fs::write(&path, text).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pinned: BTreeMap<String, Vec<f64>> = lines
        .map(|line| {
            let (stage, losses) = line.split_once(' ').unwrap();
            let losses = losses.split_whitespace().map(|loss| loss.parse().unwrap());
            (stage.to_owned(), losses.collect())
        })
        .collect();
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        pinned.keys().collect::<Vec<_>>()
    );
    for (stage, losses) in &found {
        assert_eq!(losses.len(), pinned[stage].len(), "{stage}");
        for (step, (found, pinned)) in losses.iter().zip(&pinned[stage]).enumerate() {
            assert!(
                (found - pinned).abs() <= TOLERANCE,
                "{stage}, step {}: loss {found}, pinned {pinned}; if it is meant to move, say why, and write the values \
                 anew with GLPFT_GOLDEN=write",
                step + 1
            );
        }
    }
}
