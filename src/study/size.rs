//! How much a study is, before it is trained.

use glpft_recipes::StageRecipe;

use super::cell::Cell;
use super::plan::StudyPlan;
use crate::Error;
use crate::check::check_jobs;
use crate::prepare::{PrepareObserver, datasets_of_jobs, prepare_in_memory};
use crate::size::StageSize;

/// About how much a planned stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSize {
    /// Its place in [`StudyPlan::stages`].
    pub stage: usize,
    /// Its size; none where there is no example for it.
    pub size: Option<StageSize>,
    /// Tokens of the examples of all its steps, about.
    pub tokens: u64,
}

/// The size of every stage of a plan. Data are prepared for the first seed alone, whose shares are about as large as
/// the others'; nothing is written.
///
/// # Errors
/// A stage cannot be trained, or its data cannot be prepared.
pub fn sizes(
    plan: &StudyPlan,
    observer: &mut PrepareObserver<'_>,
) -> Result<Vec<PlannedSize>, Error> {
    let mut of_cells: Vec<(usize, Option<Vec<StageSize>>)> = Vec::new();
    for (index, cell) in plan.cells.iter().enumerate() {
        if cell.seed == 0 {
            let sizes = match of_cell(cell, observer) {
                Ok(sizes) => Some(sizes),
                Err(Error::NoExamples { .. }) => None,
                Err(error) => return Err(error),
            };
            of_cells.push((index, sizes));
        }
    }
    let size = |(place, stage): (usize, &super::plan::PlannedStage)| {
        let cell = &plan.cells[stage.cells[0]];
        let alike = of_cells.iter().find(|(other, _)| {
            let other = &plan.cells[*other];
            other.base == cell.base
                && other.compared == cell.compared
                && other.budget == cell.budget
                && other.fraction.total_cmp(&cell.fraction).is_eq()
        });
        let number = cell.stages.iter().position(|(_, key)| *key == stage.key);
        let sizes = alike.and_then(|(_, sizes)| sizes.as_ref());
        let size = sizes
            .zip(number)
            .and_then(|(sizes, number)| sizes.get(number).copied());
        let settings = cell.recipe.stage(stage.job.stage);
        PlannedSize {
            stage: place,
            size,
            tokens: size.map_or(0, |size| trained_tokens(&size, settings)),
        }
    };
    Ok(plan.stages.iter().enumerate().map(size).collect())
}

fn of_cell(cell: &Cell, observer: &mut PrepareObserver<'_>) -> Result<Vec<StageSize>, Error> {
    let (recipe, jobs) = (&cell.recipe, cell.jobs());
    let checked = check_jobs(recipe, None, &jobs)?;
    let prepared = prepare_in_memory(recipe, &datasets_of_jobs(recipe, &jobs), observer)?;
    checked
        .iter()
        .map(|job| StageSize::of(recipe, job, &prepared))
        .collect()
}

/// All epochs; with `max_steps` about the part of them that it leaves.
fn trained_tokens(size: &StageSize, settings: &StageRecipe) -> u64 {
    let epochs = u64::from(settings.epochs);
    let whole = size.tokens as u64 * epochs;
    if settings.max_steps.is_none() {
        return whole;
    }
    // A step has at least `batch` examples where whole trajectories are taken, so this is a low estimate.
    let examples = (size.examples as u64 * epochs).max(1);
    let taken = (size.steps as u64 * settings.batch as u64).min(examples);
    (whole as f64 * taken as f64 / examples as f64).round() as u64
}
