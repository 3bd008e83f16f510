//! Training a contestant.

use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::write_atomically;
use glpft_recipes::Recipe;

use super::folders::{BASE, WORLD};
use super::{Quickstart, QuickstartObserver};
use crate::Error;
use crate::arrangement::jobs;
use crate::check::check_jobs;
use crate::place::{RECIPE, Removal, own_run};
use crate::prepare::{IfChanged, datasets_of_jobs, prepare_datasets};
use crate::ready::check_ready;
use crate::result::FinishedStage;
use crate::run::{run_stages, unfinished};
use crate::stage::Context;

/// What to do where a run is not what its recipe and data make now.
const REMEDY: &str = "choose another --out, or give --overwrite to remove what is there";

/// Trains what is not trained yet of a recipe's run in `root`. A run that is finished stays as it is.
pub(super) fn train(
    quickstart: &Quickstart<'_>,
    recipe: &Recipe,
    root: &Path,
    observer: &mut dyn QuickstartObserver,
) -> Result<Vec<FinishedStage>, Error> {
    go_on(quickstart, recipe, root, observer).map_err(|error| error.with_remedy(REMEDY))
}

fn go_on(
    quickstart: &Quickstart<'_>,
    recipe: &Recipe,
    root: &Path,
    observer: &mut dyn QuickstartObserver,
) -> Result<Vec<FinishedStage>, Error> {
    let jobs = jobs(recipe);
    check_jobs(recipe, None, &jobs)?;
    follow(root, recipe)?;
    let owned = own_run(root, recipe, Removal::Nothing)?;
    if unfinished(recipe, &owned.run)?.is_empty() && owned.run.summary().is_file() {
        let stages = jobs.iter().map(|job| FinishedStage::read(&owned.run, job));
        return Ok(stages.collect());
    }
    let prepared = prepare_datasets(
        recipe,
        &owned.run,
        &datasets_of_jobs(recipe, &jobs),
        IfChanged::Refuse,
        &mut |progress| observer.preparing(Some(progress)),
    );
    observer.preparing(None);
    let left = unfinished(recipe, &owned.run)?;
    let checked = check_jobs(recipe, Some(&owned.run), &left)?;
    check_ready(recipe, &owned.run, &checked, &prepared?)?;
    let context = Context {
        recipe,
        recorded: recipe,
        run: &owned.run,
        device: quickstart.device,
        device_name: quickstart.device_name,
        resume_anyway: false,
        ranks: &glpft_train::Alone,
        stop: quickstart.stop,
        save: quickstart.save,
        dump_gradients: None,
    };
    Ok(run_stages(&context, observer.training())?.stages)
}

/// Has the recipe of a run that was moved with its quick start name the world's files and the base where they are now:
/// they came along, and what they hold is compared by content.
fn follow(root: &Path, recipe: &Recipe) -> Result<(), Error> {
    let path = root.join(RECIPE);
    if !path.is_file() {
        return Ok(());
    }
    let mut there = Recipe::load(&path, &[])?;
    let place = |recipe: &Recipe| -> Option<PathBuf> {
        let [files, base] = [&recipe.data.source, &recipe.model.base].map(Path::new);
        let place = files.parent()?;
        let ours = files.ends_with(WORLD) && base.ends_with(BASE) && base.parent() == Some(place);
        ours.then(|| place.to_owned())
    };
    if place(&there).is_none() || place(&there) == place(recipe) {
        return Ok(());
    }
    there.data.source.clone_from(&recipe.data.source);
    there.model.base.clone_from(&recipe.model.base);
    let text = there.to_toml();
    Ok(write_atomically(&path, |file| {
        file.write_all(text.as_bytes())
    })?)
}
