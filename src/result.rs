//! What a finished stage came to, kept beside its log.

use std::path::PathBuf;

use glpft_checkpoints::{ADAPTER_CONFIG_FILE, RunDirectory, read_json, write_json};
use glpft_recipes::{Stage, StartFrom};
use glpft_train::{StageReport, stage_report};
use serde::{Deserialize, Serialize};

use crate::arrangement::Job;
use crate::error::Error;

/// The file in `stages/<stage>/`.
const RESULT_FILE: &str = "result.json";

/// A finished stage.
#[derive(Clone, Debug, Serialize)]
pub struct FinishedStage {
    /// Its name.
    pub stage: Stage,
    /// The directory of the model or adapter that it left.
    pub model: PathBuf,
    /// Whether that is an adapter.
    pub adapter: bool,
    /// What it started from.
    pub from: String,
    /// What its training came to.
    #[serde(flatten)]
    pub report: StageReport,
    /// Wall time of the start that finished it, loading included, up to writing the model.
    pub wall_seconds: f64,
}

/// Of `result.json`, what is not the report's. (Numbers of arbitrary precision cannot be read through a flattened
/// field.)
#[derive(Deserialize)]
struct Around {
    from: String,
    wall_seconds: f64,
}

impl FinishedStage {
    /// Keeps it for later starts.
    pub(crate) fn write(&self, run: &RunDirectory) -> Result<(), Error> {
        let path = run.stage(self.stage.name()).join(RESULT_FILE);
        Ok(write_json(&path, self)?)
    }

    /// What an earlier start finished. The model is what counts: where nothing was kept of how it came about, this
    /// says nothing of it, and fails nothing.
    pub fn read(run: &RunDirectory, job: &Job) -> Self {
        let name = job.stage.name();
        let directory = run.stage(name);
        let path = directory.join(RESULT_FILE);
        let (model, around) = (run.model(name), read_json::<Around>(&path).ok());
        Self {
            stage: job.stage,
            adapter: model.join(ADAPTER_CONFIG_FILE).exists(),
            model,
            wall_seconds: around.as_ref().map_or(0.0, |around| around.wall_seconds),
            from: around.map_or_else(|| from(run, job), |around| around.from),
            report: read_json(&path)
                .ok()
                .or_else(|| stage_report(&directory).ok())
                .unwrap_or_default(),
        }
    }
}

/// What the recipe says that a stage starts from.
fn from(run: &RunDirectory, job: &Job) -> String {
    match &job.from {
        StartFrom::Base => "base".to_owned(),
        StartFrom::Global => run.model(Stage::Global.name()).display().to_string(),
        StartFrom::Directory(directory) => directory.clone(),
    }
}
