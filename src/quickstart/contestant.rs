//! Who learns, and with what budget.

use std::path::Path;

use glpft_recipes::{Override, Recipe};
use serde::Serialize;

use crate::Error;

/// The recipe of the team.
const RECIPE: &str = "world";
/// How often the single model reads its data: it computes about as many tokens as the team's four stages.
const SINGLE_EPOCHS: &str = "5";

/// Who learns from the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contestant {
    /// Planner, caller and summarizer, by GLPFT (α-UMi).
    Team,
    /// One model that thinks, calls and answers (Single-LLM), with as long a training.
    Single,
}

impl Contestant {
    /// Both.
    pub const ALL: [Contestant; 2] = [Contestant::Team, Contestant::Single];

    /// The name in folders and files.
    pub fn name(self) -> &'static str {
        match self {
            Contestant::Team => "team",
            Contestant::Single => "single",
        }
    }

    /// What the paper calls it.
    pub fn title(self) -> &'static str {
        match self {
            Contestant::Team => "α-UMi",
            Contestant::Single => "Single-LLM",
        }
    }

    /// Its recipe: the built-in `world`, on these trajectories, from this base.
    ///
    /// # Errors
    /// A path that a recipe cannot hold.
    pub fn recipe(self, world: &Path, base: &Path, seed: u64) -> Result<Recipe, Error> {
        let mut overrides = vec![
            Override::new("data.source", text(world)?),
            Override::new("model.base", text(base)?),
            Override::new("seed", seed.to_string()),
            Override::new("name", self.name()),
        ];
        if self == Contestant::Single {
            overrides.push(Override::new("arrangement", "single"));
            overrides.push(Override::new("stage.global.epochs", SINGLE_EPOCHS));
        }
        Ok(Recipe::load(RECIPE, &overrides)?)
    }
}

/// A path as recipes hold it.
fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::Argument {
        argument: "--out",
        problem: format!(
            "{} is not Unicode, as recipes are; choose another directory",
            path.display()
        ),
    })
}
