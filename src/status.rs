//! How far runs are, from what they have written so far.

use std::fs;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{FileError, RunDirectory, RunLock};
use glpft_recipes::{Recipe, Stage, StageRecipe};
use glpft_train::{LogRecord, StepRecord, TRAIN_LOG_FILE, ValidationRecord, read_log};
use serde::Serialize;

use crate::arrangement::{Job, jobs};
use crate::error::Error;
use crate::place::RECIPE;

/// How far a run is.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    /// Its directory.
    pub run: PathBuf,
    /// The recipe's name.
    pub recipe: String,
    /// The process that is at work in it, if one is.
    pub held_by: Option<String>,
    /// Whether its data are prepared.
    pub prepared: bool,
    /// The stages of its arrangement, in order.
    pub stages: Vec<StageStatus>,
    /// What of it could not be read.
    pub problems: Vec<String>,
}

/// How far a stage is.
#[derive(Clone, Debug, Serialize)]
pub struct StageStatus {
    /// The stage.
    pub stage: Stage,
    /// What it is doing.
    pub state: State,
    /// Steps done.
    pub steps: u64,
    /// The share of its steps that is done, 0 to 1, about.
    pub done: f64,
    /// The loss of its last step, in nats a label token.
    pub loss: Option<f64>,
    /// Its last held-out loss.
    pub validation_loss: Option<f64>,
    /// Tokens of examples a second, in its last steps.
    pub tokens_per_second: Option<f64>,
    /// Bytes that the process held after its last step.
    pub memory: Option<u64>,
    /// Seconds of training that are left at the rate so far, validations not counted; of a stage under way.
    pub seconds_left: Option<f64>,
}

/// What a stage is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its model is there.
    Finished,
    /// It has begun, and a process is at work in the run.
    Running,
    /// It has begun, and no process is at work in the run.
    Stopped,
    /// It has not begun.
    Waiting,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
        }
    }
}

/// How many of the last steps tell how fast a stage is.
const RECENT: usize = 5;

impl RunStatus {
    /// That of a run. It only reads, so that the run may be at work.
    ///
    /// # Errors
    /// The directory is no run's, or its recipe cannot be read.
    pub fn of(root: &Path) -> Result<Self, Error> {
        let run = RunDirectory::open(root)?;
        let recipe = Recipe::load(run.recipe(), &[])?;
        let finished = run.finished()?;
        let held_by = RunLock::held_by(root);
        let mut problems = Vec::new();
        let jobs = jobs(&recipe);
        let stages = jobs.iter().map(|job| {
            let is_finished = finished.iter().any(|name| name == job.stage.name());
            let settings = recipe.stage(job.stage);
            let running = held_by.is_some();
            stage(&run, job, settings, is_finished, running, &mut problems)
        });
        Ok(Self {
            stages: stages.collect(),
            run: root.to_owned(),
            recipe: recipe.name.clone(),
            held_by,
            prepared: run.prepare().is_file(),
            problems,
        })
    }

    /// The share of its stages' steps that is done, 0 to 1: each stage counts the same.
    pub fn done(&self) -> f64 {
        let done: f64 = self.stages.iter().map(|stage| stage.done).sum();
        done / self.stages.len().max(1) as f64
    }
}

fn stage(
    run: &RunDirectory,
    job: &Job,
    settings: &StageRecipe,
    is_finished: bool,
    is_running: bool,
    problems: &mut Vec<String>,
) -> StageStatus {
    let directory = run.stage(job.stage.name());
    let is_begun = directory.join(TRAIN_LOG_FILE).exists();
    let (mut steps, mut validations) = (Vec::new(), Vec::new());
    if is_begun {
        match read_log(&directory) {
            Ok(records) => records.into_iter().for_each(|record| match record {
                LogRecord::Step(step) => steps.push(step),
                LogRecord::Validation(validation) => validations.push(validation),
                LogRecord::Event(_) => {}
            }),
            Err(error) => problems.push(error.to_string()),
        }
    }
    let last: Option<&StepRecord> = steps.last();
    let state = match (is_finished, is_begun, is_running) {
        (true, ..) => State::Finished,
        (false, true, true) => State::Running,
        (false, true, false) => State::Stopped,
        (false, false, _) => State::Waiting,
    };
    let done = match is_finished {
        true => 1.0,
        false => last.map_or(0.0, |last| share(last, settings)),
    };
    let seconds: f64 = steps.iter().map(|step| step.seconds).sum();
    let recent = &steps[steps.len().saturating_sub(RECENT)..];
    let recent_seconds: f64 = recent.iter().map(|step| step.seconds).sum();
    let recent_tokens: usize = recent.iter().map(|step| step.tokens).sum();
    StageStatus {
        stage: job.stage,
        state,
        steps: last.map_or(0, |last| last.step),
        done,
        loss: last.map(|last| last.loss),
        validation_loss: validations
            .last()
            .map(|found: &ValidationRecord| found.validation_loss),
        tokens_per_second: (recent_seconds > 0.0).then(|| recent_tokens as f64 / recent_seconds),
        memory: last.map(|last| last.memory),
        seconds_left: (!is_finished && done > 0.0).then(|| seconds / done * (1.0 - done)),
    }
}

/// The share of a stage's steps that is done: of its epochs, or of its `max_steps` where they come first.
fn share(last: &StepRecord, settings: &StageRecipe) -> f64 {
    let of_epochs = last.epoch / f64::from(settings.epochs.max(1));
    let of_steps = settings
        .max_steps
        .map_or(0.0, |most| last.step as f64 / most.max(1) as f64);
    of_epochs.max(of_steps).min(1.0)
}

/// The runs of a study, or of a folder of runs, in the order of their names; none where the directory holds none.
///
/// # Errors
/// The directory cannot be listed; as [`RunStatus::of`], of any of its runs.
pub fn runs_in(root: &Path) -> Result<Vec<RunStatus>, Error> {
    let folder = match root.join("runs") {
        runs if runs.is_dir() => runs,
        _ => root.to_owned(),
    };
    let failed = |source| FileError::new("list the runs in", &folder, source);
    let mut runs: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.join(RECIPE).is_file() {
            runs.push(path);
        }
    }
    runs.sort();
    runs.iter().map(|run| RunStatus::of(run)).collect()
}
