//! What a run's stages did, from their logs.

use std::path::Path;

use glpft_checkpoints::RunDirectory;
use glpft_eval::page::{SourceShare, StagePart, StageState, StepPoint, ValidationPoint};
use glpft_recipes::{Recipe, Stage};
use glpft_train::{LogRecord, TRAIN_LOG_FILE, read_log};

use crate::arrangement::{Job, jobs};
use crate::error::Error;
use crate::result::FinishedStage;

/// The stages of the recipe's arrangement, in order, as far as they are there.
pub(super) fn stages(
    run: &RunDirectory,
    recipe: &Recipe,
    problems: &mut Vec<String>,
) -> Result<Vec<StagePart>, Error> {
    let finished = run.finished()?;
    let stage = |job: &Job| {
        let is_finished = finished.iter().any(|name| name == job.stage.name());
        stage(run, job, is_finished, problems)
    };
    Ok(jobs(recipe).iter().map(stage).collect())
}

fn stage(
    run: &RunDirectory,
    job: &Job,
    is_finished: bool,
    problems: &mut Vec<String>,
) -> StagePart {
    let told = FinishedStage::read(run, job);
    let directory = run.stage(job.stage.name());
    let is_begun = directory.join(TRAIN_LOG_FILE).exists();
    let mut part = StagePart {
        stage: job.stage,
        state: match (is_finished, is_begun) {
            (true, _) => StageState::Finished,
            (false, true) => StageState::Begun,
            (false, false) => StageState::Waiting,
        },
        from: is_finished.then(|| start(run, &told.from)),
        steps: Vec::new(),
        validations: Vec::new(),
        sources: Vec::new(),
    };
    if is_begun {
        match read_log(&directory) {
            Ok(records) => records
                .into_iter()
                .for_each(|record| add(&mut part, record)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    part
}

/// What a stage started from: of the run's own models only the name, since the run can move.
fn start(run: &RunDirectory, from: &str) -> String {
    let global = Stage::Global.name();
    let own = run.model(global);
    match Path::new(from).ends_with(Path::new("models").join(global)) || own == Path::new(from) {
        true => global.to_owned(),
        false => from.to_owned(),
    }
}

fn add(part: &mut StagePart, record: LogRecord) {
    match record {
        LogRecord::Step(step) => {
            for (name, &label_tokens) in &step.source_label_tokens {
                source(part, name).label_tokens += label_tokens as u64;
            }
            part.steps.push(StepPoint {
                step: step.step,
                epoch: step.epoch,
                loss: step.loss,
                lr: step.lr,
                tokens: step.tokens as u64,
                seconds: step.seconds,
                memory: step.memory,
            });
        }
        LogRecord::Validation(validation) => {
            for (name, found) in &validation.source_validation {
                source(part, name).held_out_loss = Some(found.loss);
            }
            part.validations.push(ValidationPoint {
                step: validation.step,
                loss: validation.validation_loss,
                seconds: validation.seconds,
            });
        }
        LogRecord::Event(_) => {}
    }
}

/// What is known of one of several sources so far.
fn source<'p>(part: &'p mut StagePart, name: &str) -> &'p mut SourceShare {
    let known = part.sources.iter().position(|source| source.name == name);
    let at = known.unwrap_or_else(|| {
        part.sources.push(SourceShare {
            name: name.to_owned(),
            ..SourceShare::default()
        });
        part.sources.len() - 1
    });
    &mut part.sources[at]
}
