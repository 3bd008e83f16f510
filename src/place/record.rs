//! `recipe.toml`: what a run's stages are trained with.

use std::io::Write;

use glpft_checkpoints::{
    Earlier, Provenance, RunDirectory, TrainerState, latest_checkpoint, write_atomically,
};
use glpft_recipes::{Recipe, Stage};

use super::own_files;
use crate::Error;

/// Has a run's `recipe.toml` be `recipe`, which its stages are trained with from here on. Finished stages keep the settings
/// that they were trained with; what else was trained with something else is told in comments.
///
/// # Errors
/// The directory cannot be read, or the disk refuses.
pub fn record(run: &RunDirectory, recipe: &Recipe) -> Result<(), Error> {
    let _files = own_files(run.root())?;
    let mut recipe = recipe.clone();
    let finished = run.finished()?;
    let is_finished = |stage: Stage| finished.iter().any(|name| name == stage.name());
    if run.recipe().is_file() && !finished.is_empty() {
        let there = Recipe::load(run.recipe(), &[])?;
        for stage in Stage::ALL.into_iter().filter(|&stage| is_finished(stage)) {
            *recipe.stage_mut(stage) = there.stage(stage).clone();
        }
    }
    let mut comments: Vec<String> = Stage::ALL
        .into_iter()
        .flat_map(|stage| differences(run, &recipe, stage, is_finished(stage)))
        .collect();
    if !comments.is_empty() {
        comments.insert(
            0,
            "Trained with other settings or data than these, as --resume-anyway allows:".to_owned(),
        );
    }
    let text = recipe.to_toml_with(&comments);
    write_atomically(&run.recipe(), |file| file.write_all(text.as_bytes()))?;
    Ok(())
}

/// What a stage was trained with and the recipe does not say, a line for each part of its training.
fn differences(run: &RunDirectory, recipe: &Recipe, stage: Stage, finished: bool) -> Vec<String> {
    let directory = run.stage(stage.name());
    // What cannot be read is told by who goes on from it.
    let state = match finished {
        true => TrainerState::read(&directory).ok(),
        false => latest_checkpoint(&directory)
            .ok()
            .flatten()
            .and_then(|checkpoint| checkpoint.state().ok()),
    };
    let Some(state) = state.filter(|state| state.step > 0) else {
        return Vec::new();
    };
    let mut parts = state.earlier;
    parts.push(Earlier {
        steps: state.step,
        provenance: state.provenance.clone(),
    });
    // Fingerprints of data are the last part's: a recipe says where data are, not what they hold.
    let now = Provenance {
        recipe: recipe.deciding(stage),
        data: state.provenance.data,
    };
    let line = |part: &Earlier| {
        let differences = now.differences(&part.provenance);
        let of = match finished && part.steps == state.step {
            true => String::new(),
            false => format!(", up to step {}", part.steps),
        };
        let told = format!("  {}{of}: {}", stage.name(), differences.join("; "));
        (!differences.is_empty()).then_some(told)
    };
    parts.iter().filter_map(line).collect()
}
