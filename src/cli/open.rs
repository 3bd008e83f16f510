//! From a recipe argument to a recipe and its run directory.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft::Error;
use glpft_checkpoints::{FileError, RunDirectory, RunLock, write_atomically};
use glpft_recipes::{Difference, Recipe, StartFrom, builtin};

use super::remove::{Removal, remove};
use super::{CommonArgs, RecipeArgs};

/// The folders that a run makes, and no one else's.
pub(super) const FOLDERS: [&str; 3] = ["data", "stages", "models"];
/// The recipe of a run.
pub(super) const RECIPE: &str = "recipe.toml";
/// How many differing keys an error lists.
const LISTED: usize = 5;

/// The recipe of the arguments, its paths made absolute: a run goes on from any working directory.
pub(crate) fn load_recipe(args: &RecipeArgs) -> Result<Recipe, Error> {
    let mut recipe = Recipe::load(path(args), &args.set)?;
    make_absolute(&mut recipe)?;
    Ok(recipe)
}

/// [`load_recipe`] for what needs no more than some keys.
pub(crate) fn load_partial(args: &RecipeArgs) -> Result<Recipe, Error> {
    let mut recipe = load_as_written(args)?;
    make_absolute(&mut recipe)?;
    Ok(recipe)
}

/// [`load_partial`], paths as they were given.
pub(crate) fn load_as_written(args: &RecipeArgs) -> Result<Recipe, Error> {
    Ok(Recipe::load_partial(path(args), &args.set)?)
}

/// The recipe of the arguments, every stage capped at `max_steps`, and where its run is or will be.
pub(crate) fn load_for_run(
    args: &CommonArgs,
    max_steps: Option<u32>,
) -> Result<(Recipe, PathBuf), Error> {
    let mut recipe = load_recipe(&args.recipe)?;
    if let Some(max_steps) = max_steps {
        cap_steps(&mut recipe, max_steps as usize);
    }
    let root = run_path(&args.recipe, args.place.out.as_deref(), &recipe);
    Ok((recipe, root))
}

/// A run's directory, and the right to write to it for as long as this lives.
pub(crate) struct OwnedRun {
    /// The directory.
    pub run: RunDirectory,
    _lock: RunLock,
}

/// The run that is in a directory already, as far as it will stay; writes nothing.
///
/// A directory that holds another recipe's run, or something else, is refused.
pub(crate) fn run_there(
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

/// Makes the run's directory where it is missing, takes it for this process alone, and removes what is to go.
///
/// Everything that can be checked without writing should have been: what is removed does not come back.
pub(crate) fn own_run(
    root: &Path,
    recipe: &Recipe,
    removal: Removal<'_>,
) -> Result<OwnedRun, Error> {
    // Before anything is made, and again when nobody else can change it.
    run_there(root, recipe, removal)?;
    let lock = RunLock::take(root)?;
    let there = run_there(root, recipe, removal)?;
    remove(root, there.as_ref(), removal)?;
    let run = RunDirectory::create(root)?;
    let text = recipe.to_toml();
    write_atomically(&run.recipe(), |file| file.write_all(text.as_bytes()))?;
    run.clean()?;
    Ok(OwnedRun { run, _lock: lock })
}

/// Where a recipe's run is.
pub(crate) fn run_path(args: &RecipeArgs, out: Option<&Path>, recipe: &Recipe) -> PathBuf {
    match out {
        Some(out) => out.to_owned(),
        None if is_run(&args.recipe) => PathBuf::from(&args.recipe),
        None => Path::new("runs").join(&recipe.name),
    }
}

/// Caps every stage at a number of steps.
pub(crate) fn cap_steps(recipe: &mut Recipe, max_steps: usize) {
    let stages = &mut recipe.stage;
    for stage in [
        &mut stages.global,
        &mut stages.planner,
        &mut stages.caller,
        &mut stages.summarizer,
    ] {
        stage.max_steps = Some(stage.max_steps.map_or(max_steps, |old| old.min(max_steps)));
    }
}

fn is_run(recipe: &str) -> bool {
    builtin::text(recipe).is_none() && Path::new(recipe).join(RECIPE).is_file()
}

fn path(args: &RecipeArgs) -> PathBuf {
    match is_run(&args.recipe) {
        true => Path::new(&args.recipe).join(RECIPE),
        false => PathBuf::from(&args.recipe),
    }
}

fn make_absolute(recipe: &mut Recipe) -> Result<(), Error> {
    let mut texts: Vec<&mut String> = vec![&mut recipe.data.source, &mut recipe.model.base];
    texts.extend(&mut recipe.data.test_query_ids);
    texts.extend(&mut recipe.data.prompts);
    texts.extend(&mut recipe.model.tokenizer);
    let stages = &mut recipe.stage;
    for stage in [
        &mut stages.global,
        &mut stages.planner,
        &mut stages.caller,
        &mut stages.summarizer,
    ] {
        if let StartFrom::Directory(directory) = &mut stage.from {
            texts.push(directory);
        }
    }
    let random = recipe.model.random.is_some();
    for text in texts {
        let names_no_path =
            text.is_empty() || text.starts_with("builtin:") || random && text == "random";
        if !names_no_path {
            let absolute = std::path::absolute(&*text)
                .map_err(|source| FileError::new("find", Path::new(&*text), source))?;
            // A path that is no text stays as it was given, which was text.
            if let Some(absolute) = absolute.to_str() {
                *text = absolute.to_owned();
            }
        }
    }
    Ok(())
}

fn check_free_or_same(root: &Path, recipe: &Recipe, removal: Removal<'_>) -> Result<(), Error> {
    let path = root.join(RECIPE);
    if !path.is_file() {
        return check_free(root);
    }
    if !is_begun(root) {
        // A first try that came to nothing, such as one with a wrong path, is in nobody's way.
        return Ok(());
    }
    let there = Recipe::load(&path, &[])?;
    let mut differences = recipe.differences(&there);
    differences.retain(|difference| !difference.may_change());
    if differences.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<String> = differences
        .iter()
        .take(LISTED)
        .map(|Difference { key, ours, theirs }| format!("{key} = {theirs} there, {ours} now"))
        .collect();
    if differences.len() > LISTED {
        listed.push(format!("{} more", differences.len() - LISTED));
    }
    Err(Error::OtherRecipe {
        path: root.to_owned(),
        differences: listed.join("; "),
        remedy: match removal {
            Removal::Stages(_) => "choose another --out",
            _ => "choose another --out, or give --overwrite to remove what is there",
        },
    })
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
        Some(folder) => Err(Error::NotARun {
            path: root.to_owned(),
            what: format!("{folder}/"),
        }),
    }
}
