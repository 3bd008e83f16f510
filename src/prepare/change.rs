//! Data that changed under a trained stage.

use glpft_checkpoints::RunDirectory;
use glpft_data::Dataset;
use glpft_recipes::Stage;

use super::build::Maker;
use super::{PrepareReport, stage_of};
use crate::Error;

/// What is done where data changed under a trained stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfChanged {
    /// An error that names it.
    Refuse,
    /// The datasets are made anew, and what was trained stays.
    Accept,
}

/// What decides the datasets and is not what it was when a stage of the run was begun, for people; `None` where
/// nothing was begun or nothing changed.
///
/// Source and templates are the whole run's: roles that learned other prompts do not understand each other. A
/// tokenizer is a stage's own, and may change where that stage is not begun.
pub(super) fn since_trained(
    maker: &Maker<'_>,
    datasets: &[Dataset],
    run: &RunDirectory,
    known: &PrepareReport,
) -> Result<Option<String>, Error> {
    let finished = run.finished()?;
    let begun = |stage: Stage| {
        finished.iter().any(|name| name == stage.name()) || run.stage(stage.name()).exists()
    };
    if !Stage::ALL.into_iter().any(begun) {
        return Ok(None);
    }
    let data = &maker.recipe.data;
    if known.source.fingerprint != maker.source.fingerprint {
        return Ok(Some(data.source_paths()));
    }
    for dataset in Dataset::ALL {
        let stage = stage_of(maker.recipe, dataset);
        let Some(told) = known.dataset(dataset).filter(|_| begun(stage)) else {
            continue;
        };
        if told.prompts != maker.templates {
            let prompts = data.prompts.as_deref().unwrap_or("the built-in prompts");
            return Ok(Some(prompts.to_owned()));
        }
        let tokenizer = maker.tokenizer(stage).map(|one| one.fingerprint());
        if datasets.contains(&dataset) && tokenizer.is_some_and(|one| one != told.tokenizer) {
            return Ok(Some(format!("the {} stage's tokenizer", stage.name())));
        }
    }
    Ok(None)
}
