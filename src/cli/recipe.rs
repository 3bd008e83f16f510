//! `glpft recipe`.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use glpft::Error;
use glpft::home::expand_home;
use glpft_checkpoints::FileError;
use glpft_recipes::{Override, Recipe, RecipeError, builtin};
use serde_json::json;

use super::output::{complain, print, print_json};
use super::{OutputArgs, RecipeArgs, RecipeCommand};

/// Runs the command.
pub(crate) fn execute(command: RecipeCommand) -> Result<(), Error> {
    match command {
        RecipeCommand::List { output } => list(&output),
        // What they write is what was asked for, so there is nothing to leave out.
        RecipeCommand::Show { recipe, quiet: _ } => show(&recipe),
        RecipeCommand::Copy {
            name,
            file,
            quiet: _,
        } => copy(&name, &file),
        RecipeCommand::Validate { files, set, quiet } => validate(&files, &set, quiet.quiet),
    }
}

fn list(output: &OutputArgs) -> Result<(), Error> {
    let mut recipes = Vec::new();
    for name in builtin::names() {
        recipes.push(Recipe::load_partial(name, &[])?);
    }
    if output.json {
        let described = |recipe: &Recipe| {
            let missing: Vec<_> = recipe.missing().iter().map(|key| key.key).collect();
            json!({"name": recipe.name, "description": recipe.description, "to_be_set": missing})
        };
        let recipes: Vec<_> = recipes.iter().map(described).collect();
        return print_json(&json!(recipes));
    }
    if output.quiet {
        let names = recipes.iter().map(|recipe| format!("{}\n", recipe.name));
        return print(&names.collect::<String>());
    }
    let width = recipes.iter().map(|recipe| recipe.name.len()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for recipe in &recipes {
        text += &format!("{:width$}  {}\n", recipe.name, recipe.description);
    }
    print(&text)
}

fn show(args: &RecipeArgs) -> Result<(), Error> {
    print(&super::open::load_as_written(args)?.to_toml())
}

fn copy(name: &str, file: &Path) -> Result<(), Error> {
    let Some(text) = builtin::text(name) else {
        // For the nearest name.
        Recipe::load_partial(name, &[])?;
        let known: Vec<_> = builtin::names().collect();
        return Err(RecipeError::UnknownRecipe {
            name: name.to_owned(),
            hint: " is built in.".to_owned(),
            known: known.join(", "),
        }
        .into());
    };
    let failed = |source| FileError::new("write", file, source);
    // Never over a recipe that somebody has worked on.
    let mut written = File::create_new(file).map_err(failed)?;
    written.write_all(text.as_bytes()).map_err(failed)?;
    Ok(())
}

fn validate(files: &[String], set: &[Override], quiet: bool) -> Result<(), Error> {
    let mut bad = 0;
    for file in files {
        match Recipe::load_partial(expand_home(Path::new(file)), set) {
            Ok(_) if quiet => {}
            Ok(recipe) => {
                let missing: Vec<_> = recipe.missing().iter().map(|key| key.key).collect();
                match missing.is_empty() {
                    true => print(&format!("{file}: ok\n"))?,
                    false => print(&format!("{file}: ok; to be set: {}\n", missing.join(", ")))?,
                }
            }
            Err(error) => {
                complain(&format!("error: {error}"));
                bad += 1;
            }
        }
    }
    match bad {
        0 => Ok(()),
        _ => Err(Error::Recipes {
            bad,
            all: files.len(),
        }),
    }
}
