//! What a round learns from, as a source of data: `kept/answers/`, raw answers of ToolBench's form.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use glpft_checkpoints::{FileError, create_directory_atomically, read_json, write_json};
use glpft_data::{
    Conversation, ReadOptions, RecordError, Source, SourceError, fingerprint, read_answer_file,
};
use glpft_eval::live_evaluation::{read_rollouts, read_verdicts};
use glpft_recipes::DataRecipe;
use serde::{Deserialize, Serialize};

use super::select::{PassingRollout, passing, shortest};
use crate::Error;

/// The folder of what a round learns from.
pub(super) const KEPT_FOLDER: &str = "kept";
/// What is in it.
const KEPT_FILE: &str = "kept.json";

/// What a round's rollouts came to: `kept/kept.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Training tasks that were tried.
    pub tasks: usize,
    /// Rollouts of them, all tasks together.
    pub rollouts: usize,
    /// Rollouts that passed.
    pub passed: usize,
    /// Tasks of which one passed.
    pub solved: usize,
    /// Rollouts that passed and cannot be learned from, since the data reader does not read them.
    pub unreadable: usize,
    /// What is kept: one for each task.
    pub trajectories: Vec<PassingRollout>,
}

impl Kept {
    /// Keeps the shortest passing rollout of each task of the live evaluation in `samples` as a source of data in `to`, which
    /// appears whole or not at all; or reads what an earlier start kept.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn make(samples: &Path, to: &Path, data: &DataRecipe) -> Result<Self, Error> {
        if to.is_dir() {
            return Ok(read_json(&to.join(KEPT_FILE))?);
        }
        let rollouts = read_rollouts(samples)?;
        let passing = passing(&rollouts, &read_verdicts(samples)?);
        let tasks = |all: &[PassingRollout]| {
            let tasks: BTreeSet<&str> = all.iter().map(|one| one.task.as_str()).collect();
            tasks.len()
        };
        let options = ReadOptions::from(data);
        let mut unreadable = 0;
        let trajectories = shortest(&passing, |one| {
            let usable = is_usable(&samples.join(&one.answer_file), &options)?;
            unreadable += usize::from(!usable);
            Ok::<_, Error>(usable)
        })?;
        let queries: HashSet<&str> = rollouts
            .iter()
            .filter_map(|one| Some(super::samples::read_id(&one.task)?.0))
            .collect();
        let kept = Self {
            tasks: queries.len(),
            rollouts: rollouts.len(),
            passed: passing.len(),
            solved: tasks(&passing),
            unreadable,
            trajectories,
        };
        create_directory_atomically::<Error>(to, |to| {
            for one in &kept.trajectories {
                copy(&samples.join(&one.answer_file), &to.join(&one.answer_file))?;
            }
            Ok(write_json(&to.join(KEPT_FILE), &kept)?)
        })?;
        Ok(kept)
    }

    /// Steps of what is kept, on average.
    pub(super) fn mean_steps(&self) -> Option<f64> {
        let steps: usize = self.trajectories.iter().map(|one| one.steps).sum();
        let count = self.trajectories.len();
        (count > 0).then(|| steps as f64 / count as f64)
    }
}

fn is_usable(path: &Path, options: &ReadOptions) -> Result<bool, FileError> {
    match read_answer_file(path, options) {
        Ok(conversation) => Ok(conversation.is_some()),
        Err(RecordError::Io(source)) => Err(FileError::new("read", path, source)),
        Err(_) => Ok(false),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| FileError::new("create the folder", folder, source))?;
    }
    let copied = fs::copy(from, to);
    copied
        .map(drop)
        .map_err(|source| FileError::new("copy", from, source))
}

/// How many of the kept trajectories are none that `known` has, turn by turn.
///
/// # Errors
/// One of the sources cannot be read.
pub(super) fn count_new(kept: &Path, known: &DataRecipe) -> Result<usize, SourceError> {
    let options = ReadOptions::from(known);
    let mut left = HashSet::new();
    let source = Source::open(kept, None)?;
    read(&source, &options, &mut |conversation| {
        left.insert(identity(&conversation));
    })?;
    read(
        &Source::from_recipe(known)?,
        &options,
        &mut |conversation| {
            left.remove(&identity(&conversation));
        },
    )?;
    Ok(left.len())
}

fn read(
    source: &Source,
    options: &ReadOptions,
    each: &mut dyn FnMut(Conversation),
) -> Result<(), SourceError> {
    source.read(options, &mut |_, _| {}, &mut |record| {
        each(record.conversation);
        Ok::<_, SourceError>(())
    })?;
    Ok(())
}

fn identity(conversation: &Conversation) -> String {
    let turns = conversation.turns.iter();
    let parts: Vec<&[u8]> = turns
        .flat_map(|turn| [turn.from.name().as_bytes(), turn.value.as_bytes()])
        .collect();
    fingerprint(&parts)
}
