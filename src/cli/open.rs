//! From a recipe argument to a recipe and its run directory.

use std::path::{Path, PathBuf};

use glpft::Error;
use glpft::home::expand_home;
use glpft::place::{RECIPE, Removal, changed};
use glpft_checkpoints::{FileError, HubName};
use glpft_recipes::{Recipe, Stage, StartFrom, builtin};

use super::{CommonArgs, OutputArgs, RecipeArgs, complain};

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

/// Where a recipe's run is.
pub(crate) fn run_path(args: &RecipeArgs, out: Option<&Path>, recipe: &Recipe) -> PathBuf {
    match out {
        Some(out) => out.to_owned(),
        None if is_run(&args.recipe) => expand_home(Path::new(&args.recipe)),
        None => Path::new("runs").join(&recipe.name),
    }
}

/// Caps every stage at a number of steps.
pub(crate) fn cap_steps(recipe: &mut Recipe, max_steps: usize) {
    for stage in Stage::ALL {
        let stage = recipe.stage_mut(stage);
        stage.max_steps = Some(stage.max_steps.map_or(max_steps, |old| old.min(max_steps)));
    }
}

fn is_run(recipe: &str) -> bool {
    builtin::text(recipe).is_none() && expand_home(Path::new(recipe)).join(RECIPE).is_file()
}

fn path(args: &RecipeArgs) -> PathBuf {
    let given = expand_home(Path::new(&args.recipe));
    match is_run(&args.recipe) {
        true => given.join(RECIPE),
        false => given,
    }
}

fn make_absolute(recipe: &mut Recipe) -> Result<(), Error> {
    let mut texts: Vec<&mut String> = vec![&mut recipe.data.source];
    texts.extend(recipe.data.sources.iter_mut().map(|part| &mut part.path));
    texts.extend(&mut recipe.data.test_query_ids);
    texts.extend(&mut recipe.data.prompts);
    let mut models: Vec<&mut String> = vec![&mut recipe.model.base];
    models.extend(&mut recipe.model.tokenizer);
    let stages = &mut recipe.stage;
    for stage in [
        &mut stages.global,
        &mut stages.planner,
        &mut stages.caller,
        &mut stages.summarizer,
    ] {
        if let StartFrom::Directory(directory) = &mut stage.from {
            models.push(directory);
        }
    }
    let random = recipe.model.random.is_some();
    let names_no_path = |text: &str| text.is_empty() || text.starts_with("builtin:");
    for text in texts.into_iter().filter(|text| !names_no_path(text)) {
        *text = absolute(text)?;
    }
    for text in models.into_iter().filter(|text| !names_no_path(text)) {
        if !(random && text == "random") {
            *text = absolute_model(text)?;
        }
    }
    Ok(())
}

/// A model's path from any working directory. Its name on a hub stays as it is, where no such path exists.
pub(crate) fn absolute_model(text: &str) -> Result<String, Error> {
    match is_hub_name(Path::new(text)) {
        true => Ok(text.to_owned()),
        false => absolute(text),
    }
}

/// Whether a path does not exist and spells a model's name on a hub.
pub(crate) fn is_hub_name(path: &Path) -> bool {
    let name = path.to_str().and_then(HubName::parse);
    name.is_some() && path.symlink_metadata().is_err()
}

fn absolute(text: &str) -> Result<String, Error> {
    let path = expand_home(Path::new(text));
    let absolute =
        std::path::absolute(&path).map_err(|source| FileError::new("find", &path, source))?;
    // A path that is no text stays as it was given, which was text.
    Ok(absolute.to_str().unwrap_or(text).to_owned())
}

/// Says what --overwrite removes, before it does.
pub(crate) fn tell_losses(root: &Path, removal: Removal<'_>, output: &OutputArgs) {
    let losses = removal.losses(root);
    if !losses.is_empty() && !output.quiet {
        complain(&format!(
            "warning: --overwrite removes, in {}: {}",
            root.display(),
            losses.join(", ")
        ));
    }
}

/// Says what --resume-anyway goes on in spite of.
pub(crate) fn tell_changed(
    root: &Path,
    recipe: &Recipe,
    removal: Removal<'_>,
    output: &OutputArgs,
) -> Result<(), Error> {
    if removal == Removal::NothingAnyway
        && !output.quiet
        && let Some(differences) = changed(root, recipe)?
    {
        complain(&format!(
            "warning: resumes with another recipe: {differences}"
        ));
    }
    Ok(())
}
