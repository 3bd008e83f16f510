//! What the tests share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a test ends where something is amiss"
)]

use glpft_recipes::{Override, Recipe, RecipeError};

/// A recipe with nothing but what has no default.
pub const MINIMAL: &str = "[data]\nsource = \"d\"\n[model]\nbase = \"m\"\n";

pub fn overrides(texts: &[&str]) -> Vec<Override> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub fn parse(text: &str, sets: &[&str]) -> Result<Recipe, RecipeError> {
    Recipe::parse(text, "my.toml", &overrides(sets))
}

/// The message that loading ends in.
pub fn error(text: &str, sets: &[&str]) -> String {
    parse(text, sets).unwrap_err().to_string()
}

/// A built-in with its required values set.
pub fn builtin(name: &str, sets: &[&str]) -> Recipe {
    let missing = Recipe::load_partial(name, &[]).unwrap().missing();
    let mut all: Vec<String> = missing
        .iter()
        .map(|required| format!("{}=/some/path", required.key))
        .collect();
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    Recipe::load(name, &overrides(&all)).unwrap()
}
