//! Training a cell's run.

use std::collections::BTreeMap;

use glpft_checkpoints::{
    Claimed, FileError, Holder, Lease, RunDirectory, Watch, remove_directory_atomically,
};

use super::cell::Cell;
use super::key::stage_lease;
use super::run::{Study, StudyObserver};
use super::share::take_over;
use crate::Error;
use crate::arrangement::Job;
use crate::check::check_jobs;
use crate::error::FolderError;
use crate::place::{OwnedRun, Removal, own_run, try_take};
use crate::prepare::{IfChanged, datasets_of_jobs, prepare_datasets};
use crate::ready::check_ready;
use crate::run::{run_jobs, run_stages, together, unfinished};
use crate::stage::Context;

/// What was seen of other processes' stages.
pub(super) type Watches = BTreeMap<String, Watch>;

/// What came of a cell's turn.
pub(super) enum CellTraining {
    /// Its run is trained.
    Trained(RunDirectory),
    /// Another process is at something that it needs.
    Busy {
        /// What.
        what: String,
        /// Who.
        holder: Holder,
    },
}

/// Trains what of a cell's run is missing and was trained for no other cell. Of a shard, a stage that cells of other shards
/// need, too, is trained by one of them.
pub(super) fn train_cell(
    study: &Study<'_>,
    index: usize,
    watches: &mut Watches,
    observer: &mut dyn StudyObserver,
) -> Result<CellTraining, Error> {
    let cell = &study.plan.cells[index];
    let recipe = &cell.recipe;
    let owned = match own_run(&study.out.join(&cell.directory), recipe, Removal::Nothing) {
        Err(Error::Folder(FolderError::AtWork { holder, .. })) if study.shard.is_some() => {
            let what = cell.directory.display().to_string();
            return Ok(CellTraining::Busy { what, holder });
        }
        owned => owned?,
    };
    let of = study.plan.cells.len();
    if unfinished(recipe, &owned.run)?.is_empty() && owned.run.summary().is_file() {
        observer.cell(index + 1, of, cell, 0);
        return Ok(CellTraining::Trained(owned.run));
    }
    let context = Context {
        recipe,
        recorded: recipe,
        run: &owned.run,
        device: study.device,
        device_name: study.device_name,
        resume_anyway: false,
        ranks: &glpft_train::Alone,
        stop: study.stop,
        save: study.save,
        dump_gradients: None,
    };
    let mut is_prepared = false;
    loop {
        let mut shared = take_over(study.recipe, study.plan, study.out, cell, &owned.run)?;
        let missing = unfinished(recipe, &owned.run)?;
        let next = together(&context, &missing).next().unwrap_or_default();
        let _leases = match take_stages(study, cell, next, watches)? {
            Taken::All(leases) => leases,
            Taken::Busy { what, holder } => {
                return Ok(CellTraining::Busy { what, holder });
            }
        };
        // Another process may have finished it between these two looks.
        shared.extend(take_over(
            study.recipe,
            study.plan,
            study.out,
            cell,
            &owned.run,
        )?);
        let missing = unfinished(recipe, &owned.run)?;
        if !is_prepared {
            observer.cell(index + 1, of, cell, missing.len());
        }
        shared.iter().for_each(|stage| observer.shared(stage));
        if !is_prepared {
            prepare(&owned, cell, &missing, observer)?;
            is_prepared = true;
        }
        match missing.starts_with(next) {
            _ if missing.is_empty() => break,
            true => drop(run_jobs(&context, next, observer.training())?),
            false => {}
        }
    }
    // All is trained: the summary.
    run_stages(&context, observer.training())?;
    remove_checkpoints(&owned.run, cell)?;
    Ok(CellTraining::Trained(owned.run))
}

/// Prepares a cell's data: also where nothing is missing, so that data that changed since are told here.
fn prepare(
    owned: &OwnedRun,
    cell: &Cell,
    missing: &[Job],
    observer: &mut dyn StudyObserver,
) -> Result<(), Error> {
    let recipe = &cell.recipe;
    let datasets = datasets_of_jobs(recipe, &cell.jobs());
    let prepared = prepare_datasets(
        recipe,
        &owned.run,
        &datasets,
        IfChanged::Refuse,
        &mut |progress| observer.preparing(Some(progress)),
    );
    observer.preparing(None);
    let prepared = prepared?;
    let checked = check_jobs(recipe, Some(&owned.run), missing)?;
    check_ready(recipe, &owned.run, &checked, &prepared)
}

/// The leases of stages.
enum Taken {
    /// Of all that are to be trained.
    All(Vec<Lease>),
    /// Another process has one.
    Busy { what: String, holder: Holder },
}

/// Takes what of some stages is not this cell's alone.
fn take_stages(
    study: &Study<'_>,
    cell: &Cell,
    jobs: &[Job],
    watches: &mut Watches,
) -> Result<Taken, Error> {
    let mut leases = Vec::new();
    // A whole study has all of them.
    if study.shard.is_none() {
        return Ok(Taken::All(leases));
    }
    for (job, key) in cell.stages.iter().filter(|(job, _)| jobs.contains(job)) {
        let mut planned = study.plan.stages.iter();
        let is_common = planned.any(|stage| stage.key == *key && stage.cells.len() > 1);
        if !is_common {
            continue;
        }
        let (name, stage) = (stage_lease(key), job.stage.name());
        let watch = watches.entry(name.clone()).or_default();
        match try_take(study.out, &name, &format!("trains the {stage}"), watch)? {
            Claimed::Ours(lease) => leases.push(lease),
            Claimed::Held(holder) => {
                let what = format!("{stage} of {}", cell.directory.display());
                return Ok(Taken::Busy { what, holder });
            }
        }
    }
    Ok(Taken::All(leases))
}

/// A finished stage needs its checkpoints no more, and a study has many stages.
fn remove_checkpoints(run: &RunDirectory, cell: &Cell) -> Result<(), Error> {
    for (job, _) in &cell.stages {
        let folder = run.stage(job.stage.name());
        let failed = |source| FileError::new("list", &folder, source);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("checkpoint-") && entry.path().is_dir() {
                remove_directory_atomically(&entry.path())?;
            }
        }
    }
    Ok(())
}
