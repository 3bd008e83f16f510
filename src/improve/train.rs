//! Training a round.

use std::io::Write;
use std::path::Path;

use glpft_checkpoints::{RunDirectory, read_json, write_atomically};
use glpft_recipes::{Recipe, Stage, StartFrom};

use super::{Improve, ImproveObserver};
use crate::Error;
use crate::arrangement::{Job, jobs};
use crate::carry::carry_stage;
use crate::check::check_jobs;
use crate::place::{RECIPE, Removal, own_run};
use crate::prepare::{IfChanged, PrepareReport, datasets_of_jobs, prepare_datasets};
use crate::ready::check_ready;
use crate::result::FinishedStage;
use crate::run::{run_stages, unfinished};
use crate::stage::Context;

/// What to do where a round is not what its recipe and data make now.
const REMEDY: &str =
    "undo that, or give --overwrite, which removes all rounds and begins with the first";

/// A round's run that is trained.
pub(super) struct TrainedRound {
    /// Its directory.
    pub run: RunDirectory,
    /// Tokens of what was kept, prompts and targets, in the datasets of the roles that were trained.
    pub kept_tokens: usize,
    /// Tokens that these roles' models were run on.
    pub computed_tokens: u64,
}

/// The stages of a recipe that rounds train.
pub(super) fn trained_jobs(improve: &Improve<'_>, recipe: &Recipe) -> Vec<Job> {
    let roles = &improve.settings.roles;
    let mut all = jobs(recipe);
    all.retain(|job| roles.contains(&job.stage));
    all
}

/// Trains what is not trained yet of a round's run in `root`: the roles that are improved. The others, and the global model,
/// are those of the run in `start`. `source` is the name of what was kept among the recipe's sources.
pub(super) fn train(
    improve: &Improve<'_>,
    recipe: &Recipe,
    root: &Path,
    start: &RunDirectory,
    source: &str,
    observer: &mut dyn ImproveObserver,
) -> Result<TrainedRound, Error> {
    go_on(improve, recipe, root, start, source, observer).map_err(|error| error.with_remedy(REMEDY))
}

fn go_on(
    improve: &Improve<'_>,
    recipe: &Recipe,
    root: &Path,
    start: &RunDirectory,
    source: &str,
    observer: &mut dyn ImproveObserver,
) -> Result<TrainedRound, Error> {
    let trained = trained_jobs(improve, recipe);
    follow(root, recipe)?;
    let owned = own_run(root, recipe, Removal::Nothing)?;
    let run = owned.run;
    if !(unfinished(recipe, &run)?.is_empty() && run.summary().is_file()) {
        for job in unfinished(recipe, &run)? {
            if !trained.contains(&job) {
                carry_stage(start, &run, job.stage.name())?;
            }
        }
        let prepared = prepare_datasets(
            recipe,
            &run,
            &datasets_of_jobs(recipe, &trained),
            IfChanged::Refuse,
            &mut |progress| observer.preparing(Some(progress)),
        );
        observer.preparing(None);
        let left = unfinished(recipe, &run)?;
        let checked = check_jobs(recipe, Some(&run), &left)?;
        check_ready(recipe, &run, &checked, &prepared?)?;
        let context = Context {
            recipe,
            recorded: recipe,
            run: &run,
            device: improve.device,
            device_name: improve.device_name,
            resume_anyway: false,
            ranks: &glpft_train::Alone,
            stop: improve.stop,
            save: improve.save,
            dump_gradients: None,
        };
        run_stages(&context, observer.training())?;
    }
    let prepared: PrepareReport = read_json(&run.prepare())?;
    let datasets = datasets_of_jobs(recipe, &trained);
    let kept = datasets.iter().filter_map(|dataset| {
        let told = prepared.dataset(*dataset)?.sources.get(source)?;
        Some(told.tokens)
    });
    let reports = trained
        .iter()
        .map(|job| FinishedStage::read(&run, job).report);
    Ok(TrainedRound {
        kept_tokens: kept.sum(),
        computed_tokens: reports.map(|report| report.computed_tokens).sum(),
        run,
    })
}

/// Has the recipe of a round that was moved with its run name what is in the run where it is now: it came along, and what it
/// holds is compared by content.
fn follow(root: &Path, recipe: &Recipe) -> Result<(), Error> {
    let path = root.join(RECIPE);
    if !path.is_file() {
        return Ok(());
    }
    let mut there = Recipe::load(&path, &[])?;
    let moved = |then: &str, now: &str| then != now && ending(then) == ending(now);
    let mut changed = false;
    let sources = there.data.sources.iter_mut().zip(&recipe.data.sources);
    for (then, now) in sources.filter(|(then, now)| then.extra && now.extra) {
        if moved(&then.path, &now.path) {
            then.path.clone_from(&now.path);
            changed = true;
        }
    }
    for stage in Stage::LOCAL {
        let then = &mut there.stage_mut(stage).from;
        if let (StartFrom::Directory(was), StartFrom::Directory(is)) =
            (&*then, &recipe.stage(stage).from)
            && moved(was, is)
        {
            *then = StartFrom::Directory(is.clone());
            changed = true;
        }
    }
    if !changed {
        return Ok(());
    }
    let text = there.to_toml();
    Ok(write_atomically(&path, |file| {
        file.write_all(text.as_bytes())
    })?)
}

/// What two paths of a round have in common that lie in runs of other places: `1/kept`, `models/planner`.
fn ending(path: &str) -> Vec<&str> {
    path.rsplit(['/', '\\']).take(2).collect()
}
