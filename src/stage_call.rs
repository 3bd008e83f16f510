//! What the first of several ranks calls the others to: the next stage, or the end.

use std::path::{Path, PathBuf};

use glpft_recipes::{Recipe, Stage, StartFrom};
use glpft_train::{RankError, TrainError, Transport};
use serde::{Deserialize, Serialize};

use crate::arrangement::Job;
use crate::error::Error;

/// What is to be done next.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    /// A stage is to be trained.
    Stage(Box<StageCall>),
    /// Nothing: the run is over.
    End,
}

/// A stage that all ranks train.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StageCall {
    /// The recipe, as TOML.
    pub recipe: String,
    /// The run's directory, absolute.
    pub run: PathBuf,
    /// Which stage.
    pub stage: Stage,
    /// The directory that it starts from, where it starts from one.
    pub directory: Option<String>,
    /// Whether it starts from the run's global model.
    pub global: bool,
    /// What computes, as it was asked for.
    pub device: String,
    /// Go on from a checkpoint that another recipe or other data led to.
    pub resume_anyway: bool,
}

impl StageCall {
    /// A job of a recipe's run.
    pub fn new(recipe: &Recipe, run: &Path, job: &Job, device: &str, resume_anyway: bool) -> Self {
        Self {
            recipe: recipe.to_toml(),
            run: std::path::absolute(run).unwrap_or_else(|_| run.to_owned()),
            stage: job.stage,
            directory: match &job.from {
                StartFrom::Directory(directory) => Some(directory.clone()),
                StartFrom::Base | StartFrom::Global => None,
            },
            global: job.from == StartFrom::Global,
            device: device.to_owned(),
            resume_anyway,
        }
    }

    /// The job.
    pub fn job(&self) -> Job {
        Job {
            stage: self.stage,
            from: match (&self.directory, self.global) {
                (Some(directory), _) => StartFrom::Directory(directory.clone()),
                (None, true) => StartFrom::Global,
                (None, false) => StartFrom::Base,
            },
        }
    }
}

const WHAT: &str = "what to do next";

/// Calls the other ranks to a stage.
///
/// # Errors
/// A rank is gone.
pub(crate) fn call(ranks: &dyn Transport, stage: StageCall) -> Result<(), Error> {
    send(ranks, &Call::Stage(Box::new(stage)))
}

/// Sends the other ranks home: after the last stage, and where the run was told to stop.
///
/// # Errors
/// A rank is gone.
pub fn dismiss(ranks: &dyn Transport) -> Result<(), Error> {
    match ranks.is_alone() {
        true => Ok(()),
        false => send(ranks, &Call::End),
    }
}

fn send(ranks: &dyn Transport, call: &Call) -> Result<(), Error> {
    let bytes = serde_json::to_vec(call).map_err(|error| failed(error.to_string()))?;
    ranks.all_gather_bytes(WHAT, &bytes).map_err(of_ranks)?;
    Ok(())
}

/// What the first rank calls this one to.
pub(crate) fn hear(ranks: &dyn Transport) -> Result<Call, Error> {
    let calls = ranks.all_gather_bytes(WHAT, &[]).map_err(of_ranks)?;
    let call = calls.first().map_or(&[][..], Vec::as_slice);
    serde_json::from_slice(call).map_err(|error| failed(error.to_string()))
}

/// The ranks cannot go on.
pub(crate) fn failed(reason: String) -> Error {
    let what = WHAT.to_owned();
    of_ranks(RankError::Transport { what, reason })
}

fn of_ranks(error: RankError) -> Error {
    Error::Train(TrainError::Ranks(error))
}
