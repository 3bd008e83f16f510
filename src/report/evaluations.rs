//! What a run's team was measured at, from `eval/`.

use std::fs;

use glpft_checkpoints::RunDirectory;
use glpft_eval::page::EvaluationPart;

/// The evaluations of a run, by name.
pub(super) fn evaluations(run: &RunDirectory, problems: &mut Vec<String>) -> Vec<EvaluationPart> {
    // A run that was never evaluated has no such folder.
    let entries = fs::read_dir(run.root().join("eval")).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let read =
        |name: &String| EvaluationPart::read(name, &run.root().join("eval").join(name), problems);
    names.iter().filter_map(read).collect()
}
