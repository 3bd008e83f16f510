//! Stages that were trained for another cell.

use std::fs;
use std::path::Path;

use glpft_checkpoints::{FileError, RunDirectory, create_directory_atomically, name_bases_anew};
use glpft_recipes::{Recipe, Stage};

use super::cell::Cell;
use super::plan::siblings;
use crate::Error;

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
///
/// Files are linked, not copied, where the file system can do that: a run's files are never written to again, only
/// replaced.
pub(super) fn take_over(
    recipe: &Recipe,
    study: &Path,
    cell: &Cell,
    run: &RunDirectory,
) -> Result<Vec<SharedStage>, Error> {
    let mut shared = Vec::new();
    for sibling in siblings(recipe, cell) {
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
            link_data(&other, run)?;
            // The model last: it says that the stage is finished.
            replace(&other.stage(name), &run.stage(name))?;
            replace(&other.model(name), &run.model(name))?;
            name_bases_anew(run)?;
            shared.push(SharedStage {
                stage: name,
                from: sibling.directory.display().to_string(),
            });
        }
        link_data(&other, run)?;
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

fn link_data(from: &RunDirectory, to: &RunDirectory) -> Result<(), Error> {
    if from.prepare().is_file() && !to.prepare().exists() {
        replace(&from.data(), &to.data())?;
    }
    Ok(())
}

/// Makes `to` a copy of `from`; what was there goes.
fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_dir() {
        return Ok(());
    }
    create_directory_atomically::<FileError>(to, |to| link_folder(from, to))?;
    Ok(())
}

/// Checkpoints stay behind: they are for who goes on training.
fn link_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("copy", from, source);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if hidden || name.to_string_lossy().starts_with("checkpoint-") {
            continue;
        }
        let target = to.join(&name);
        if path.is_dir() {
            fs::create_dir(&target).map_err(failed)?;
            link_folder(&path, &target)?;
        } else if fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).map_err(failed)?;
        }
    }
    Ok(())
}
