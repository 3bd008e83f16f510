//! Where a run lives: whose its directory is, and who may write to it.

mod at_work;
mod record;
mod remove;
mod shared;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{Lease, RunDirectory, name_bases_anew};
use glpft_recipes::{Difference, Recipe, Stage};

use crate::Error;
use crate::error::FolderError;

pub use at_work::{Waiting, at_work_in_run, at_work_on, lease_length};
pub use record::record;
pub use remove::Removal;
pub use shared::{SharedRun, Turn};

pub(crate) use at_work::{own_files, take, try_take};

use at_work::take_run;
use remove::remove;

/// The folders that a run makes, and no one else's.
const FOLDERS: [&str; 3] = ["data", "stages", "models"];
/// The recipe of a run.
pub const RECIPE: &str = "recipe.toml";
/// The folder of a run's rounds, which `glpft improve` makes.
pub const ROUNDS_FOLDER: &str = "rounds";
/// The folder of what the processes of roles told, which `glpft run --parallel roles` makes.
pub const LOGS_FOLDER: &str = "logs";
/// How many differing keys an error lists.
const LISTED: usize = 5;

/// A run's directory, and the right to write to all of it for as long as this lives.
pub struct OwnedRun {
    /// The directory.
    pub run: RunDirectory,
    _lease: Lease,
}

/// The run that is in a directory already, as far as it will stay; writes nothing.
///
/// # Errors
/// The directory holds another recipe's run, or something else.
pub fn run_there(
    root: &Path,
    recipe: &Recipe,
    removal: Removal<'_>,
) -> Result<Option<RunDirectory>, Error> {
    if removal == Removal::Everything && root.join(RECIPE).is_file() {
        return Ok(None);
    }
    check_free_or_same(root, recipe, removal)?;
    Ok(RunDirectory::open(root).ok())
}

/// Makes the run's directory where it is missing, takes it for this process alone, and removes what is to go. The recipe
/// of a run that is begun stays as it is, for this start may still be refused: see [`record`].
///
/// Everything that can be checked without writing should have been: what is removed does not come back.
///
/// # Errors
/// As [`run_there`], and where another process is at work in the directory or the disk refuses.
pub fn own_run(root: &Path, recipe: &Recipe, removal: Removal<'_>) -> Result<OwnedRun, Error> {
    // Before anything is made, and again when nobody else can change it.
    run_there(root, recipe, removal)?;
    let lease = take_run(root)?;
    let there = run_there(root, recipe, removal)?;
    remove(root, there.as_ref(), removal)?;
    let run = begin(root, recipe)?;
    let files = own_files(root)?;
    run.clean()?;
    drop(files);
    Ok(OwnedRun { run, _lease: lease })
}

/// Makes what is missing of a run's directory, whose owner this process is.
fn begin(root: &Path, recipe: &Recipe) -> Result<RunDirectory, Error> {
    let _files = own_files(root)?;
    let run = RunDirectory::create(root)?;
    if !is_begun(root) || !run.recipe().is_file() {
        record(&run, recipe)?;
    }
    // The run may have been moved since its adapters named their bases.
    name_bases_anew(&run)?;
    Ok(run)
}

/// Removes what killed processes left unfinished beside the stages, while no other process writes the run's own files.
fn clean_beside_stages(run: &RunDirectory) -> Result<(), Error> {
    let _files = own_files(run.root())?;
    Ok(run.clean_beside_stages()?)
}

/// Has the adapters of a finished run name their bases where those are now: the run may have been moved. Where another
/// process is at work, or nothing can be written, they stay as they are, and this program finds the bases all the same.
pub fn settle(run: &RunDirectory) {
    if let Ok(_lease) = take_run(run.root()) {
        let _ = name_bases_anew(run);
    }
}

fn check_free_or_same(root: &Path, recipe: &Recipe, removal: Removal<'_>) -> Result<(), Error> {
    let path = root.join(RECIPE);
    if !path.is_file() {
        return check_free(root);
    }
    // A first try that came to nothing, such as one with a wrong path, is in nobody's way.
    match changed(root, recipe)? {
        Some(differences) if removal != Removal::NothingAnyway => {
            Err(Error::Folder(FolderError::OtherRecipe {
                path: root.to_owned(),
                differences,
                remedy: match removal {
                    Removal::Stages(_) => "choose another --out",
                    _ => {
                        "choose another --out, give --overwrite to remove what is there, or --resume-anyway to go on with \
                     what is now"
                    }
                },
            }))
        }
        _ => Ok(()),
    }
}

/// Where a recipe differs, in what decides a run's outcome, from the one that a run in `root` was begun with, for
/// people; `None` where it does not, or nothing is begun.
///
/// # Errors
/// That recipe or the run's directory cannot be read.
pub fn changed(root: &Path, recipe: &Recipe) -> Result<Option<String>, Error> {
    let path = root.join(RECIPE);
    if !path.is_file() || !is_begun(root) {
        return Ok(None);
    }
    let there = Recipe::load(&path, &[])?;
    let names = RunDirectory::open(root)?.finished()?;
    let is_finished = |stage: &Stage| names.iter().any(|name| name == stage.name());
    let finished: Vec<Stage> = Stage::ALL.into_iter().filter(is_finished).collect();
    let mut differences = recipe.differences(&there);
    differences.retain(|difference| !difference.may_change(&finished));
    let mut listed: Vec<String> = differences
        .iter()
        .take(LISTED)
        .map(|Difference { key, ours, theirs }| {
            let flag = match key.ends_with(".max_steps") {
                true => " (--max-steps sets it)",
                false => "",
            };
            format!("{key} = {theirs} there, {ours} now{flag}")
        })
        .collect();
    if differences.len() > LISTED {
        listed.push(format!("{} more", differences.len() - LISTED));
    }
    Ok((!listed.is_empty()).then(|| listed.join("; ")))
}

/// Whether a run has anything to lose.
fn is_begun(root: &Path) -> bool {
    ["data/prepare.json", "summary.json"]
        .iter()
        .any(|file| root.join(file).exists())
        || ["stages", "models"]
            .iter()
            .any(|folder| is_full(&root.join(folder)))
}

/// Whether something is in a folder. What stands in the way of one is told by who makes it.
fn is_full(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Somebody's own `data/` or `models/` is not a run's to write into.
fn check_free(root: &Path) -> Result<(), Error> {
    match FOLDERS.iter().find(|folder| is_full(&root.join(folder))) {
        None => Ok(()),
        Some(folder) => Err(Error::Folder(FolderError::NotARun {
            path: root.to_owned(),
            what: format!("{folder}/"),
        })),
    }
}
