//! What decides a stage's result: two stages with one key come out the same, and are trained once.

use glpft_data::fingerprint;
use glpft_recipes::{Recipe, Stage, StartFrom};

use crate::arrangement::{Job, jobs};
use crate::prepare::{datasets_of, deciding_keys};
use crate::stage::what_is_learned;

/// The stages of a recipe's run, each with its key: a hash of its settings, the data that it reads and the part of them
/// that it trains on, and what it starts from. Files count by their path: a study checks by itself that they stay.
pub fn stage_keys(recipe: &Recipe) -> Vec<(Job, String)> {
    let mut keys: Vec<(Job, String)> = Vec::new();
    for job in jobs(recipe) {
        let start = match &job.from {
            StartFrom::Base => format!("{:?}", recipe.model),
            StartFrom::Directory(directory) => directory.clone(),
            StartFrom::Global => keys
                .iter()
                .find(|(other, _)| other.stage == Stage::Global)
                .map_or_else(String::new, |(_, key)| key.clone()),
        };
        let key = fingerprint(&[
            job.stage.name().as_bytes(),
            format!("{:?}", what_is_learned(recipe, job.stage)).as_bytes(),
            recipe.seed.to_string().as_bytes(),
            data(recipe, job.stage).as_bytes(),
            start.as_bytes(),
            recipe.model.dtype.name().as_bytes(),
        ]);
        keys.push((job, key));
    }
    keys
}

/// The name of the lease of a stage with this key, in the study's directory.
pub(super) fn stage_lease(key: &str) -> String {
    format!("stage-{}", key.chars().take(16).collect::<String>())
}

/// The examples that a stage trains on and the order of its steps.
fn data(recipe: &Recipe, stage: Stage) -> String {
    let data = &recipe.data;
    let part = match (recipe.reuse, stage) {
        (true, _) => "both halves",
        (false, Stage::Global) => "first half",
        (false, _) => "second half",
    };
    let names: Vec<&str> = datasets_of(recipe, stage)
        .iter()
        .map(|dataset| dataset.name())
        .collect();
    let (sampling, packing, prompts) = (data.sampling, data.packing, &data.prompts);
    let (source, test_query_ids) = (&data.source, &data.test_query_ids);
    // As before for one source: kept studies go on.
    let sources = match data.sources.is_empty() {
        true => String::new(),
        false => format!(" {:?}", data.sources),
    };
    // Settings of plain values always become text.
    let keys = deciding_keys(data).unwrap_or_else(|_| format!("{data:?}"));
    format!(
        "{names:?} {part} {keys} {source} {test_query_ids:?} {prompts:?} {sampling} {packing}{sources}"
    )
}
