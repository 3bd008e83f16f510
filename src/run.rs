//! A whole run: every stage of the recipe's arrangement, and what it came to.

use std::time::Instant;

use glpft_checkpoints::{RunDirectory, write_json};
use glpft_recipes::{Arrangement, Recipe};
use glpft_train::Observer;
use serde::Serialize;

use crate::arrangement::{Job, jobs};
use crate::error::Error;
use crate::result::FinishedStage;
use crate::stage::{Context, run_stage};

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
/// Those of the stages, [`Error::Interrupted`] among them.
pub fn run_stages(context: &Context<'_>, observer: &mut dyn Observer) -> Result<Summary, Error> {
    let started = Instant::now();
    let mut stages = Vec::new();
    let left = unfinished(context.recipe, context.run)?;
    for job in jobs(context.recipe) {
        stages.push(match left.contains(&job) {
            true => run_stage(context, &job, observer)?,
            false => FinishedStage::read(context.run, &job),
        });
    }
    let summary = Summary {
        recipe: context.recipe.name.clone(),
        arrangement: context.recipe.arrangement,
        device: context.device_name.to_owned(),
        threads: rayon::current_num_threads(),
        version: env!("CARGO_PKG_VERSION"),
        stages,
        wall_seconds: started.elapsed().as_secs_f64(),
    };
    write_json(&context.run.summary(), &summary)?;
    Ok(summary)
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
