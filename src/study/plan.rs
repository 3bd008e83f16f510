//! Which cells a study has, which stages they need, and which of those they share.

use std::path::Path;

use glpft_recipes::{Recipe, RecipeError};

use super::arrangement::Compared;
use super::budget::Budget;
use super::cell::{Cell, StudyBase};
use super::lengths::Lengths;
use super::report::LeftOut;
use crate::Error;
use crate::arrangement::Job;

/// What a study compares.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The arrangements.
    pub arrangements: Vec<Compared>,
    /// How long they train: each way for all of them.
    pub budgets: Vec<Budget>,
    /// How many percent of a total of tokens the global stage computes, in 0..=100: 0 is one-stage, 100 Single-LLM. None: no
    /// such cells.
    pub splits: Vec<u8>,
    /// The shares of the recipe's data, in (0, 1].
    pub fractions: Vec<f64>,
    /// How many seeds, from the recipe's on.
    pub seeds: u32,
    /// The models to start from (`model.base`); none: the recipe's own.
    pub bases: Vec<String>,
}

/// A stage that some cells need.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    /// What decides its result.
    pub key: String,
    /// Which stage, and what it starts from.
    pub job: Job,
    /// The cells that need it, by their place in the plan. The first trains it, the others share it.
    pub cells: Vec<usize>,
}

/// A study's plan: a pure function of recipe and grid, and, where all are to compute as much, of the data.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// The cells in the order in which they are trained: seed by seed, so that what is done first is a whole study
    /// with fewer seeds.
    pub cells: Vec<Cell>,
    /// The stages in the order in which they are trained, each once.
    pub stages: Vec<PlannedStage>,
    /// The cells that cannot be planned: too small a share of the data.
    pub left_out: Vec<LeftOut>,
}

impl StudyPlan {
    /// The plan of a study of `recipe`, which has the arrangement `glpft` with reuse. Of what the grid names twice, once
    /// counts.
    ///
    /// # Errors
    /// The grid is empty somewhere, a fraction is none, or the recipe does not go with an arrangement or a base; and those of
    /// `lengths`.
    pub fn new(recipe: &Recipe, grid: &Grid, lengths: &mut dyn Lengths) -> Result<Self, Error> {
        let grid = grid.sorted()?;
        let bases = bases(recipe, &grid.bases);
        let (mut cells, mut left_out) = (Vec::new(), Vec::new());
        for base in &bases {
            for seed in 0..grid.seeds {
                for &fraction in &grid.fractions {
                    let cell = |compared| Cell::new(recipe, base, fraction, seed, compared);
                    for (compared, budget) in grid.variants() {
                        let own = cell(compared)?;
                        if budget == Budget::Stages {
                            cells.push(own);
                            continue;
                        }
                        match lengths.lengths(&cell(Compared::Glpft)?, &own, budget) {
                            Ok(lengths) => cells.push(own.with_lengths(budget, &lengths)?),
                            // The other cells do not suffer for it.
                            Err(error @ Error::NoExamples { .. }) => {
                                let own = own.with_lengths(budget, &[])?;
                                left_out.push(LeftOut::new(&own, error.to_string()));
                            }
                            Err(error) => return Err(error),
                        }
                    }
                }
            }
        }
        let mut stages: Vec<PlannedStage> = Vec::new();
        for (index, cell) in cells.iter().enumerate() {
            for (job, key) in &cell.stages {
                match stages.iter_mut().find(|stage| stage.key == *key) {
                    Some(stage) => stage.cells.push(index),
                    None => stages.push(PlannedStage {
                        key: key.clone(),
                        job: job.clone(),
                        cells: vec![index],
                    }),
                }
            }
        }
        Ok(Self {
            cells,
            stages,
            left_out,
        })
    }

    /// How many stages are used a second time instead of being trained.
    pub fn shared(&self) -> usize {
        self.stages.iter().map(|stage| stage.cells.len() - 1).sum()
    }
}

/// The cells that may hold a stage of `cell`: those of the plan, and every arrangement as the recipe has it, which an earlier
/// start may have trained; on the same data from the same base and seed.
pub(super) fn siblings(recipe: &Recipe, plan: &StudyPlan, cell: &Cell) -> Vec<Cell> {
    let sibling = |compared| -> Result<Cell, RecipeError> {
        Cell::new(recipe, &cell.base, cell.fraction, cell.seed, compared)
    };
    let mut siblings: Vec<Cell> = Compared::ALL
        .into_iter()
        .filter_map(|compared| sibling(compared).ok())
        .collect();
    let folder = cell.directory.parent();
    let planned = plan.cells.iter();
    siblings.extend(
        planned
            .filter(|other| other.budget != Budget::Stages && other.directory.parent() == folder)
            .cloned(),
    );
    siblings.retain(|other| other.directory != cell.directory);
    siblings
}

impl Grid {
    /// The arrangements with their lengths, in order, each once. The ends of a split are arrangements of their own.
    fn variants(&self) -> Vec<(Compared, Budget)> {
        let all = |&budget: &Budget| {
            let arrangements = self.arrangements.iter();
            arrangements.map(move |&compared| (budget, compared))
        };
        let split = |&percent: &u8| match percent {
            0 => (Budget::Tokens, Compared::OneStage),
            100 => (Budget::Tokens, Compared::Single),
            _ => (Budget::Split(percent), Compared::Glpft),
        };
        let mut variants: Vec<_> = self.budgets.iter().flat_map(all).collect();
        variants.extend(self.splits.iter().map(split));
        variants.sort_unstable();
        variants.dedup();
        let turned = variants.into_iter();
        turned
            .map(|(budget, compared)| (compared, budget))
            .collect()
    }

    fn sorted(&self) -> Result<Self, Error> {
        let empty = |argument, problem: &str| {
            Err(Error::Argument {
                argument,
                problem: problem.to_owned(),
            })
        };
        let mut grid = self.clone();
        grid.arrangements.sort_unstable();
        grid.arrangements.dedup();
        grid.fractions.sort_by(f64::total_cmp);
        grid.fractions.dedup();
        if grid.arrangements.is_empty() {
            return empty("--arrangements", "name at least one");
        }
        if grid.budgets.is_empty() {
            return empty("--budget", "name at least one");
        }
        if let Some(wrong) = grid.splits.iter().find(|&&percent| percent > 100) {
            let problem = format!("{wrong} is not a share; give percent, 0 to 100");
            return empty("--split", &problem);
        }
        if grid.seeds == 0 {
            return empty("--seeds", "one is the least");
        }
        let Some(wrong) = grid
            .fractions
            .iter()
            .find(|&&fraction| !(fraction > 0.0 && fraction <= 1.0))
        else {
            return match grid.fractions.is_empty() {
                true => empty("--fractions", "name at least one"),
                false => Ok(grid),
            };
        };
        Err(Error::Argument {
            argument: "--fractions",
            problem: format!(
                "{wrong} is not a share of the data; give numbers above 0 and up to 1"
            ),
        })
    }
}

/// The bases with names of their own.
fn bases(recipe: &Recipe, paths: &[String]) -> Vec<StudyBase> {
    let own = [recipe.model.base.clone()];
    let paths = match paths.is_empty() {
        true => &own,
        false => paths,
    };
    let mut bases: Vec<StudyBase> = Vec::new();
    for path in paths {
        if bases.iter().any(|base| base.path == *path) {
            continue;
        }
        let name = folder_name(path);
        let taken = |name: &str| bases.iter().any(|base| base.name == name);
        let name = match taken(&name) {
            false => name,
            true => (2..)
                .map(|number| format!("{name}-{number}"))
                .find(|name| !taken(name))
                .unwrap_or(name),
        };
        bases.push(StudyBase {
            name,
            path: path.clone(),
        });
    }
    bases
}

/// What a base's folder is called: the last part of its path, of characters that every file system has.
fn folder_name(path: &str) -> String {
    let last = Path::new(path).file_name();
    let last = last.map_or(path.into(), |last| last.to_string_lossy());
    let plain = |c: char| match c.is_alphanumeric() || "._-".contains(c) {
        true => c,
        false => '_',
    };
    let name: String = last.chars().map(plain).collect();
    match name.trim_start_matches('.') {
        "" => "base".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests;
