//! Which stage reads which dataset.

use glpft_data::Dataset;
use glpft_recipes::{Arrangement, GlobalData, Recipe, Stage};

use crate::arrangement::Job;

/// The stage whose tokenizer and longest example decide a dataset's tokens: the one that reads it.
pub fn stage_of(recipe: &Recipe, dataset: Dataset) -> Stage {
    match (recipe.arrangement, dataset) {
        (Arrangement::MultiTask | Arrangement::Mixed, _) | (_, Dataset::Backbone) => Stage::Global,
        (_, Dataset::Planner) => Stage::Planner,
        (_, Dataset::Caller) => Stage::Caller,
        (_, Dataset::Summarizer) => Stage::Summarizer,
    }
}

/// The datasets that a stage trains on, to be joined where there are several.
pub fn datasets_of(recipe: &Recipe, stage: Stage) -> &'static [Dataset] {
    match stage {
        Stage::Global if recipe.arrangement == Arrangement::MultiTask => &ROLES,
        Stage::Global
            if recipe.arrangement == Arrangement::Mixed
                || recipe.global_data == GlobalData::Mixed =>
        {
            &Dataset::ALL
        }
        Stage::Global => &[Dataset::Backbone],
        Stage::Planner => &[Dataset::Planner],
        Stage::Caller => &[Dataset::Caller],
        Stage::Summarizer => &[Dataset::Summarizer],
    }
}

/// The datasets that a recipe's whole run trains on.
pub fn datasets(recipe: &Recipe) -> &'static [Dataset] {
    match recipe.arrangement {
        Arrangement::Glpft | Arrangement::Mixed => &Dataset::ALL,
        Arrangement::Single => &[Dataset::Backbone],
        Arrangement::OneStage | Arrangement::MultiTask => &ROLES,
    }
}

/// The datasets that some stages read, each once.
pub fn datasets_of_jobs(recipe: &Recipe, jobs: &[Job]) -> Vec<Dataset> {
    let mut datasets = Vec::new();
    for dataset in jobs
        .iter()
        .flat_map(|job| datasets_of(recipe, job.stage).iter().copied())
    {
        if !datasets.contains(&dataset) {
            datasets.push(dataset);
        }
    }
    datasets
}

const ROLES: [Dataset; 3] = [Dataset::Planner, Dataset::Caller, Dataset::Summarizer];
