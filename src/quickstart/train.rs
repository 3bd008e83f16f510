//! Training a contestant.

use std::path::Path;

use glpft_checkpoints::RunDirectory;
use glpft_recipes::Recipe;

use super::{Quickstart, QuickstartObserver};
use crate::Error;
use crate::arrangement::jobs;
use crate::check::check_jobs;
use crate::place::{Removal, own_run};
use crate::prepare::{IfChanged, datasets_of_jobs, prepare_datasets};
use crate::result::FinishedStage;
use crate::run::{run_stages, unfinished};
use crate::stage::Context;

/// What to do where a run is not what its recipe and data make now, as where the directory was moved.
const REMEDY: &str = "choose another --out, or give --overwrite to remove what is there";

/// Trains what is not trained yet of a recipe's run in `root`. A run that is finished stays as it is.
pub(super) fn train(
    quickstart: &Quickstart<'_>,
    recipe: &Recipe,
    root: &Path,
    observer: &mut dyn QuickstartObserver,
) -> Result<(RunDirectory, Vec<FinishedStage>), Error> {
    go_on(quickstart, recipe, root, observer).map_err(|error| error.with_remedy(REMEDY))
}

fn go_on(
    quickstart: &Quickstart<'_>,
    recipe: &Recipe,
    root: &Path,
    observer: &mut dyn QuickstartObserver,
) -> Result<(RunDirectory, Vec<FinishedStage>), Error> {
    let jobs = jobs(recipe);
    check_jobs(recipe, None, &jobs)?;
    let owned = own_run(root, recipe, Removal::Nothing)?;
    if unfinished(recipe, &owned.run)?.is_empty() && owned.run.summary().is_file() {
        let stages = jobs.iter().map(|job| FinishedStage::read(&owned.run, job));
        let stages = stages.collect();
        return Ok((owned.run, stages));
    }
    let prepared = prepare_datasets(
        recipe,
        &owned.run,
        &datasets_of_jobs(recipe, &jobs),
        IfChanged::Refuse,
        &mut |progress| observer.preparing(Some(progress)),
    );
    observer.preparing(None);
    prepared?;
    let context = Context {
        recipe,
        run: &owned.run,
        device: quickstart.device,
        device_name: quickstart.device_name,
        resume_anyway: false,
        stop: quickstart.stop,
        dump_gradients: None,
    };
    let summary = run_stages(&context, observer.training())?;
    Ok((owned.run, summary.stages))
}
