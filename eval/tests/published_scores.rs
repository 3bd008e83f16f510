//! The scores equal those that the published script gave the same files.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

use std::path::{Path, PathBuf};

use glpft_eval::{MetricReport, score_file};
use glpft_recipes::Behaviour;
use serde_json::Value;

/// The fixture at `path` in `GLPFT_FIXTURES` (by default `shared` beside the repository), or none, said on stdout.
fn fixture(path: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("GLPFT_FIXTURES").map_or_else(default, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: fixtures not found: {}", found.display());
    None
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn assert_published(report: &MetricReport, metrics: &Path) {
    let expected = read(metrics);
    assert_eq!(expected.as_object().unwrap().len(), 7);
    for (key, value) in report.metrics.by_key() {
        let expected = expected[key].as_f64().unwrap();
        assert!(
            (value.unwrap() - expected).abs() < 1e-9,
            "{key}: {value:?}, not {expected}"
        );
    }
}

#[test]
fn the_fixtures_come_out_equal_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["exact", "noisy-1", "noisy-2"] {
        let Some(directory) = fixture(&format!("data/eval-fixtures/{name}")) else {
            return;
        };
        let list = directory.join("predictions.json");
        let lines = folder.path().join("predictions.jsonl");
        let entries: Vec<String> = read(&list)
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        std::fs::write(&lines, entries.join("\n")).unwrap();
        for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
            let report = score_file(&list, behaviour, 0).unwrap();
            assert_published(&report, &directory.join("metrics.json"));
            assert_eq!(report.counts.steps, 429);
            assert_eq!(score_file(&lines, behaviour, 0).unwrap(), report);
        }
    }
}

#[test]
fn a_real_file_cut_short_anywhere_is_an_error() {
    let Some(list) = fixture("data/eval-fixtures/noisy-1/predictions.json") else {
        return;
    };
    let bytes = std::fs::read(list).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.json");
    for part in 0..40 {
        std::fs::write(&path, &bytes[..bytes.len() / 40 * part]).unwrap();
        assert!(score_file(&path, Behaviour::Fixed, 0).is_err(), "{part}");
    }
}
