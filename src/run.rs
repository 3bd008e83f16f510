//! A whole run: every stage of the recipe's arrangement, and what it came to.

use std::time::Instant;

use glpft_checkpoints::{RunDirectory, write_json};
use glpft_recipes::{Arrangement, Recipe};
use glpft_train::Observer;
use serde::Serialize;

use crate::arrangement::{Job, jobs};
use crate::error::Error;
use crate::place::own_files;
use crate::result::FinishedStage;
use crate::stage::{Context, run_stage, run_stages_together};

/// `summary.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The recipe's name.
    pub recipe: String,
    /// Which models the run trained, and from what.
    pub arrangement: Arrangement,
    /// What computed.
    pub device: String,
    /// Threads of the computation on a CPU.
    pub threads: usize,
    /// The program's version.
    pub version: &'static str,
    /// The stages, in order.
    pub stages: Vec<FinishedStage>,
    /// Wall time of this start.
    pub wall_seconds: f64,
}

/// Trains what of the recipe's stages is not done, and writes `summary.json`. The data must be prepared.
///
/// # Errors
/// Those of the stages, [`Error::Interruption`] among them.
pub fn run_stages(context: &Context<'_>, observer: &mut dyn Observer) -> Result<Summary, Error> {
    let started = Instant::now();
    let left = unfinished(context.recipe, context.run)?;
    let mut trained = Vec::new();
    for jobs in together(context, &left) {
        trained.extend(run_jobs(context, jobs, observer)?);
    }
    summarize(context, trained, started)
}

/// Writes `summary.json` if all stages of the run are finished: of processes that train a stage each, the last one does.
/// `trained` are those that this one trained since `started`.
///
/// # Errors
/// The run's directory cannot be read, or the disk refuses.
pub fn summarize_finished(
    context: &Context<'_>,
    trained: Vec<FinishedStage>,
    started: Instant,
) -> Result<Option<Summary>, Error> {
    // Looked at alone: of two that finish at once the second sees what the first has left.
    let _files = own_files(context.run.root())?;
    let left = unfinished(context.recorded, context.run)?;
    match left.is_empty() {
        true => summarize(context, trained, started).map(Some),
        false => Ok(None),
    }
}

fn summarize(
    context: &Context<'_>,
    mut trained: Vec<FinishedStage>,
    started: Instant,
) -> Result<Summary, Error> {
    let recipe = context.recorded;
    let stage = |job: Job| {
        let found = trained.iter().position(|stage| stage.stage == job.stage);
        match found {
            Some(at) => trained.swap_remove(at),
            None => FinishedStage::read(context.run, &job),
        }
    };
    let summary = Summary {
        recipe: recipe.name.clone(),
        arrangement: recipe.arrangement,
        device: context.device_name.to_owned(),
        threads: rayon::current_num_threads(),
        version: env!("CARGO_PKG_VERSION"),
        stages: jobs(recipe).into_iter().map(stage).collect(),
        wall_seconds: started.elapsed().as_secs_f64(),
    };
    let _files = own_files(context.run.root())?;
    write_json(&context.run.summary(), &summary)?;
    Ok(summary)
}

/// Stages in order, those beside each other that train in one pass: their adapters wake, on the same model in the same
/// precision, so that they read the same history.
pub fn together<'j>(context: &Context<'_>, jobs: &'j [Job]) -> impl Iterator<Item = &'j [Job]> {
    let recipe = context.recipe;
    // Gradients are written of one stage at a time, and ranks share one at a time.
    let one_pass = context.dump_gradients.is_none() && context.ranks.is_alone();
    jobs.chunk_by(move |one, other| {
        let (of_one, of_other) = (recipe.stage(one.stage), recipe.stage(other.stage));
        let wake = of_one.wakes() && of_other.wakes();
        one_pass && wake && one.from == other.from && of_one.precision == of_other.precision
    })
}

/// Trains stages that [`together`] puts into one pass, or one stage.
///
/// # Errors
/// Those of the stages, [`Error::Interruption`] among them.
pub fn run_jobs(
    context: &Context<'_>,
    jobs: &[Job],
    observer: &mut dyn Observer,
) -> Result<Vec<FinishedStage>, Error> {
    match jobs {
        [job] => Ok(vec![run_stage(context, job, observer)?]),
        _ => run_stages_together(context, jobs, observer),
    }
}

/// The stages of a recipe's run that are not done yet.
///
/// # Errors
/// The run's directory cannot be read.
pub fn unfinished(recipe: &Recipe, run: &RunDirectory) -> Result<Vec<Job>, Error> {
    let done = run.finished()?;
    let mut left = jobs(recipe);
    left.retain(|job| !done.iter().any(|name| name == job.stage.name()));
    Ok(left)
}
