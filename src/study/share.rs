//! Stages that were trained for another cell.

use std::path::Path;

use glpft_checkpoints::RunDirectory;
use glpft_recipes::{Recipe, Stage};

use super::cell::Cell;
use super::plan::{StudyPlan, siblings};
use crate::Error;
use crate::carry::{carry_data, carry_stage};

/// A stage that a run got from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedStage {
    /// The stage's name.
    pub stage: &'static str,
    /// The directory of the run that trained it, in the study's.
    pub from: String,
}

/// Takes over what other runs of the study have finished and `run` would train anew with the same result; and their
/// prepared data, of which preparing uses what is right.
pub(super) fn take_over(
    recipe: &Recipe,
    plan: &StudyPlan,
    study: &Path,
    cell: &Cell,
    run: &RunDirectory,
) -> Result<Vec<SharedStage>, Error> {
    let mut shared = Vec::new();
    for sibling in siblings(recipe, plan, cell) {
        let Ok(other) = RunDirectory::open(&study.join(&sibling.directory)) else {
            continue;
        };
        if !is_of(&other, &sibling.recipe) {
            continue;
        }
        let finished = other.finished()?;
        for (job, key) in &cell.stages {
            let name = job.stage.name();
            let same = sibling.stages.iter().any(|(_, other)| other == key);
            let there = finished.iter().any(|finished| finished == name);
            if !same || !there || run.model(name).exists() {
                continue;
            }
            carry_data(&other, run)?;
            carry_stage(&other, run, name)?;
            shared.push(SharedStage {
                stage: name,
                from: sibling.directory.display().to_string(),
            });
        }
        carry_data(&other, run)?;
    }
    Ok(shared)
}

/// Whether a run is of a recipe, as far as what is learned goes.
fn is_of(run: &RunDirectory, recipe: &Recipe) -> bool {
    Recipe::load(run.recipe(), &[]).is_ok_and(|there| {
        let differences = recipe.differences(&there);
        differences.iter().all(|one| one.may_change(&Stage::ALL))
    })
}
