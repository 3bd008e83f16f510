//! From a name or a path to a recipe.

use std::{fs::File, io::Read, path::Path};

use crate::{
    Override, Recipe, RecipeError, builtin,
    nearest::{listed, nearest},
    place::escaped,
    resolve::resolve,
    settings::Settings,
};

/// No recipe comes near this; it bounds what a wrong path can cost.
const LARGEST: u64 = 1 << 20;

impl Recipe {
    /// Loads a built-in or a TOML file, then applies overrides in their order, then defaults, then checks.
    ///
    /// A built-in's name comes before a file of that name (write `./sample` for the file). Paths in a recipe
    /// are taken from the working directory, as those of `--set` are.
    pub fn load(
        name_or_path: impl AsRef<Path>,
        overrides: &[Override],
    ) -> Result<Recipe, RecipeError> {
        let (text, file) = read(name_or_path.as_ref())?;
        Recipe::parse(&text, &file, overrides)
    }

    /// [`Recipe::load`] for showing and validating: required values may be absent, and [`Recipe::missing`] says
    /// which.
    pub fn load_partial(
        name_or_path: impl AsRef<Path>,
        overrides: &[Override],
    ) -> Result<Recipe, RecipeError> {
        let (text, file) = read(name_or_path.as_ref())?;
        Recipe::parse_partial(&text, &file, overrides)
    }

    /// [`Recipe::load`] from text; `file` stands for it in messages and gives the default name.
    pub fn parse(text: &str, file: &str, overrides: &[Override]) -> Result<Recipe, RecipeError> {
        let recipe = Recipe::parse_partial(text, file, overrides)?;
        let missing = recipe.missing();
        if missing.is_empty() {
            return Ok(recipe);
        }
        Err(RecipeError::Missing {
            recipe: file.to_owned(),
            keys: listed(missing.iter().map(|required| required.key)),
            what: missing
                .iter()
                .map(|required| format!("{} to {}", required.key, required.what))
                .collect::<Vec<_>>()
                .join(" and "),
            example: missing
                .iter()
                .map(|required| format!("--set {}=PATH", required.key))
                .collect::<Vec<_>>()
                .join(" "),
        })
    }

    /// [`Recipe::load_partial`] from text.
    pub fn parse_partial(
        text: &str,
        file: &str,
        overrides: &[Override],
    ) -> Result<Recipe, RecipeError> {
        let mut settings = Settings::parse(text, file)?;
        for change in overrides {
            settings.apply(change)?;
        }
        resolve(&settings)
    }
}

/// A recipe's text and its name in messages.
fn read(name_or_path: &Path) -> Result<(String, String), RecipeError> {
    let shown_path = escaped(&name_or_path.to_string_lossy());
    if let Some((name, text)) = name_or_path
        .to_str()
        .and_then(|name| Some((name, builtin::text(name)?)))
    {
        return Ok((text.to_owned(), format!("built-in {name}")));
    }
    let named_like_a_file = name_or_path.components().count() > 1
        || name_or_path.extension().is_some_and(|e| e == "toml");
    let unreadable = |source| RecipeError::Read {
        path: shown_path.clone(),
        source,
    };
    match name_or_path.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            return Err(RecipeError::Directory { path: shown_path });
        }
        Ok(_) => {}
        Err(_) if !named_like_a_file => return Err(unknown_recipe(&shown_path)),
        Err(error) => return Err(unreadable(error)),
    }
    let mut bytes = Vec::new();
    File::open(name_or_path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(RecipeError::TooLarge {
            path: shown_path,
            limit: LARGEST,
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        RecipeError::NotUtf8 {
            path: shown_path.clone(),
            line: valid.iter().filter(|byte| **byte == b'\n').count() + 1,
        }
    })?;
    Ok((text, shown_path))
}

fn unknown_recipe(name: &str) -> RecipeError {
    RecipeError::UnknownRecipe {
        name: name.to_owned(),
        hint: nearest(name, builtin::names()).map_or_else(
            || ".".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        ),
        known: listed(builtin::names()),
    }
}
