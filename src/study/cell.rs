//! One cell of a study: an arrangement on a share of the data, from one base and one seed.

use std::path::PathBuf;

use glpft_recipes::{Override, Recipe, RecipeError};

use super::arrangement::Compared;
use super::budget::{Budget, StageLength};
use super::key::stage_keys;
use crate::arrangement::Job;

/// A model that a study starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyBase {
    /// What it is called in folders and tables: its directory's name.
    pub name: String,
    /// `model.base`.
    pub path: String,
}

/// One cell: a run of its own, and what it scores.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What it starts from.
    pub base: StudyBase,
    /// The share of the recipe's data that it uses.
    pub fraction: f64,
    /// Which of the study's seeds, from 0: added to the recipe's `seed` and `data.split_seed`.
    pub seed: u32,
    /// What is trained.
    pub compared: Compared,
    /// How long.
    pub budget: Budget,
    /// The run's recipe.
    pub recipe: Recipe,
    /// The run's directory in the study's.
    pub directory: PathBuf,
    /// The run's stages in order, each with the key that tells what decides its result.
    pub stages: Vec<(Job, String)>,
}

impl Cell {
    /// The cell of a study of `recipe`, which has the arrangement `glpft` with reuse. Its stages train as long as the recipe
    /// says.
    ///
    /// The fraction is one of what the recipe's own `data.fraction` leaves. The shares of one seed are nested and by
    /// query ([`glpft_data::QuerySplits`]); another seed also draws another share.
    ///
    /// # Errors
    /// The recipe does not go with the arrangement or the base.
    pub fn new(
        recipe: &Recipe,
        base: &StudyBase,
        fraction: f64,
        seed: u32,
        compared: Compared,
    ) -> Result<Self, RecipeError> {
        let data = &recipe.data;
        let mut overrides = compared.overrides();
        let mut set = |key: &str, value: String| overrides.push(Override::new(key, value));
        set("model.base", base.path.clone());
        set("data.fraction", format!("{:?}", data.fraction * fraction));
        set("data.split_seed", plus(data.split_seed, seed));
        set("seed", plus(recipe.seed, seed));
        let recipe = Recipe::parse(&recipe.to_toml(), &recipe.name, &overrides)?;
        let directory = ["runs", &base.name, &fraction.to_string()]
            .into_iter()
            .collect::<PathBuf>()
            .join(format!("seed-{}", recipe.seed))
            .join(compared.name());
        Ok(Self {
            base: base.clone(),
            fraction,
            seed,
            compared,
            budget: Budget::Stages,
            stages: stage_keys(&recipe),
            recipe,
            directory,
        })
    }

    /// The same cell with stages of other lengths, those that `budget` gives it.
    ///
    /// # Errors
    /// A length is none that a recipe can have.
    pub fn with_lengths(
        self,
        budget: Budget,
        lengths: &[StageLength],
    ) -> Result<Self, RecipeError> {
        let mut overrides = Vec::new();
        for length in lengths {
            let key = |key: &str| format!("stage.{}.{key}", length.stage.name());
            overrides.push(Override::new(key("epochs"), length.epochs.to_string()));
            overrides.push(Override::new(key("max_steps"), length.steps.to_string()));
        }
        let recipe = Recipe::parse(&self.recipe.to_toml(), &self.recipe.name, &overrides)?;
        let name = format!("{}{}", self.compared.name(), budget.suffix());
        Ok(Self {
            budget,
            directory: self.directory.with_file_name(name),
            stages: stage_keys(&recipe),
            recipe,
            ..self
        })
    }

    /// Its run's stages, in order.
    pub fn jobs(&self) -> Vec<Job> {
        self.stages.iter().map(|(job, _)| job.clone()).collect()
    }

    /// The cell in one line, for people.
    pub fn title(&self) -> String {
        let Self { base, fraction, .. } = self;
        let (name, seed) = (self.compared.name(), self.recipe.seed);
        let budget = self.budget;
        format!(
            "{name}{budget}, {fraction} of the data, seed {seed}, {}",
            base.name
        )
    }
}

fn plus(seed: u64, number: u32) -> String {
    seed.wrapping_add(number.into()).to_string()
}
