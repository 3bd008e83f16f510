//! How far runs are, from what they have written so far.

mod folder;
mod left;

use std::path::{Path, PathBuf};

use glpft_checkpoints::{
    ComputedBy, Holder, RunDirectory, TrainerState, latest_checkpoint, read_json,
};
use glpft_recipes::{Packing, Recipe, Sampling, Stage, StageRecipe, counted};
use glpft_train::{LogRecord, StepRecord, TRAIN_LOG_FILE, ValidationRecord, read_log};
use serde::Serialize;

use crate::arrangement::{Job, jobs};
use crate::error::Error;
use crate::place::{at_work_in_run, at_work_on};
use crate::prepare::PrepareReport;

pub use folder::{UnreadableRun, runs_in};

use left::{Amount, Rate, amount};

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
    /// The device, threads and version that computed its last checkpoint; none before there is one.
    pub computed_by: Option<ComputedBy>,
    /// How examples share micro-batches.
    pub packing: Packing,
    /// What is shuffled.
    pub sampling: Sampling,
    /// The stages of its arrangement, in order.
    pub stages: Vec<StageStatus>,
    /// Seconds of training that are left of all its stages, about; none where one of them cannot be estimated, or nothing is
    /// left.
    pub seconds_left: Option<f64>,
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
    /// Its recipe's budget of tokens of a micro-batch.
    pub micro_batch_tokens: usize,
    /// Which of its layers are computed again in the backward pass: 0 none, 1 every layer, n every nth.
    pub recompute: usize,
    /// Seconds of training that are left, about: at its own rate so far, validations after steps included; of a stage that
    /// has not begun, by its tokens, at the rate of the stage that was measured last.
    pub seconds_left: Option<f64>,
}

/// What a stage is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its model is there.
    Finished,
    /// It has begun, and a process is training it.
    Running,
    /// It has begun, and what a process that is at work on it has to do next is a validation.
    Validating,
    /// It has begun, and no process is at work on it.
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
            Self::Validating => "validating",
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
        let of_run = at_work_in_run(root);
        let mut at_work: Vec<String> = of_run.iter().map(with_threads).collect();
        let mut problems = Vec::new();
        // It may be written at this moment, or not yet.
        let prepared: Option<PrepareReport> = read_json(&run.prepare()).ok();
        let mut rate = Rate::default();
        let mut stages = Vec::new();
        for job in jobs(&recipe) {
            let settings = recipe.stage(job.stage);
            let of_stage = at_work_on(root, job.stage);
            let is_running = of_run.is_some() || of_stage.is_some();
            at_work.extend(of_stage.as_ref().map(with_threads));
            let found = Found {
                settings,
                is_finished: finished.iter().any(|name| name == job.stage.name()),
                is_running,
                amount: prepared
                    .as_ref()
                    .map(|report| amount(&recipe, job.stage, report)),
            };
            stages.push(stage(&run, &job, &found, &mut rate, &mut problems));
        }
        let unfinished = || {
            let stages = stages.iter();
            stages.filter(|stage| stage.state != State::Finished)
        };
        let left: Option<f64> = unfinished().map(|stage| stage.seconds_left).sum();
        let states = stages.iter().rev();
        let computed_by = states.filter_map(|stage| {
            let checkpoint = latest_checkpoint(&run.stage(stage.stage.name())).ok()??;
            Some(TrainerState::read(&checkpoint.path).ok()?.computed_by)
        });
        at_work.dedup();
        Ok(Self {
            computed_by: computed_by.into_iter().next(),
            packing: recipe.data.packing,
            sampling: recipe.data.sampling,
            seconds_left: left.filter(|_| unfinished().next().is_some()),
            stages,
            run: root.to_owned(),
            recipe: recipe.name.clone(),
            held_by: (!at_work.is_empty()).then(|| at_work.join(", ")),
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

/// A holder, and how many threads it works with.
fn with_threads(holder: &Holder) -> String {
    match holder.threads {
        0 => holder.to_string(),
        threads => format!("{holder} with {}", counted(threads, "thread", "threads")),
    }
}

/// What is known of a stage without its log.
struct Found<'a> {
    settings: &'a StageRecipe,
    /// Whether its model is there.
    is_finished: bool,
    /// Whether a process is at work in the run.
    is_running: bool,
    /// How much it is, where its data are prepared.
    amount: Option<Amount>,
}

fn stage(
    run: &RunDirectory,
    job: &Job,
    found: &Found<'_>,
    rate: &mut Rate,
    problems: &mut Vec<String>,
) -> StageStatus {
    let Found {
        settings,
        is_finished,
        ..
    } = *found;
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
    let validates = || {
        let validated = validations.last().map(|last: &ValidationRecord| last.step);
        let held_out = found.amount.is_none_or(|amount| amount.held_out > 0);
        held_out && validates_now(last, validated, settings)
    };
    let state = match (is_finished, is_begun, found.is_running) {
        (true, ..) => State::Finished,
        (false, true, true) if validates() => State::Validating,
        (false, true, true) => State::Running,
        (false, true, false) => State::Stopped,
        (false, false, _) => State::Waiting,
    };
    // A stage that nobody trains resumes from its last checkpoint: what came after it is done again.
    let resumes_from = match state {
        State::Stopped => latest_checkpoint(&directory).ok().flatten(),
        _ => None,
    };
    let kept = match (state, resumes_from) {
        (State::Stopped, checkpoint) => checkpoint.map_or(0, |checkpoint| checkpoint.step),
        _ => u64::MAX,
    };
    let kept_steps = || steps.iter().filter(|step| step.step <= kept);
    let last_kept = kept_steps().next_back();
    let done = match is_finished {
        true => 1.0,
        false => last_kept.map_or(0.0, |last| share(last, settings)),
    };
    let mut seconds: f64 = kept_steps().map(|step| step.seconds).sum();
    let tokens: usize = kept_steps().map(|step| step.tokens).sum();
    let after_steps = validations
        .iter()
        .filter(|one| one.step > 0 && one.step <= kept);
    seconds += after_steps.map(|one| one.seconds).sum::<f64>();
    rate.measured(tokens, seconds);
    let seconds_left = match (is_finished, done > 0.0) {
        (true, _) => None,
        (false, true) => Some(seconds / done * (1.0 - done)),
        (false, false) => found.amount.and_then(|amount| rate.seconds(amount.tokens)),
    };
    let recent = &steps[steps.len().saturating_sub(RECENT)..];
    let recent_seconds: f64 = recent.iter().map(|step| step.seconds).sum();
    let recent_tokens: usize = recent.iter().map(|step| step.tokens).sum();
    StageStatus {
        stage: job.stage,
        state,
        steps: last_kept.map_or(0, |last| last.step),
        done,
        loss: last.map(|last| last.loss),
        validation_loss: validations.last().map(|last| last.validation_loss),
        tokens_per_second: (recent_seconds > 0.0).then(|| recent_tokens as f64 / recent_seconds),
        memory: last.map(|last| last.memory),
        micro_batch_tokens: settings.micro_batch_tokens,
        recompute: settings.recompute,
        seconds_left,
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

/// Whether what comes next in a stage's log is a validation, after so many steps as `validated` says the last one was: there is
/// one before the first step, after every `eval_every` steps and after the last.
fn validates_now(
    last: Option<&StepRecord>,
    validated: Option<u64>,
    settings: &StageRecipe,
) -> bool {
    let Some(last) = last else {
        return validated.is_none();
    };
    let every = settings.eval_every as u64;
    let is_due = every > 0 && last.step.is_multiple_of(every) || share(last, settings) >= 1.0;
    is_due && validated != Some(last.step)
}
