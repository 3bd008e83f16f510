//! What a run's team was measured at, from `eval/`.

use std::fs;

use glpft_checkpoints::RunDirectory;
use glpft_eval::page::{EvaluationPart, LivePart};

use crate::evaluate::{EVAL_FOLDER, models_of_run};

/// The evaluations of a run, by name. The run's models are read whole, to tell those that are of other models.
pub(super) fn evaluations(
    run: &RunDirectory,
    problems: &mut Vec<String>,
) -> (Vec<EvaluationPart>, Vec<LivePart>) {
    // A run that was never evaluated has no such folder.
    let folder = run.root().join(EVAL_FOLDER);
    let entries = fs::read_dir(&folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    if names.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let models = models_of_run(run);
    let (mut evaluations, mut live) = (Vec::new(), Vec::new());
    for name in &names {
        let directory = folder.join(name);
        evaluations.extend(EvaluationPart::read(name, &directory, &models, problems));
        live.extend(LivePart::read(name, &directory, &models, problems));
    }
    (evaluations, live)
}
