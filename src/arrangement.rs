//! GLPFT's stage order, and those of the arrangements it is compared with (arXiv 2401.07324, §4).

use glpft_recipes::{Arrangement, Recipe, Stage, StartFrom};

/// One stage of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The stage: its settings in the recipe, its directory, and the name of the model that it leaves.
    pub stage: Stage,
    /// What it starts from.
    pub from: StartFrom,
}

/// The stages of a recipe's run, in order.
///
/// `glpft`: the backbone, then each role. `single`: the backbone alone. `one-stage`: the roles alone, from the base.
/// `multi-task`: one model on the union of the role datasets, under the name and with the settings of the global stage.
/// `mixed`: the same with the backbone's dataset.
pub fn jobs(recipe: &Recipe) -> Vec<Job> {
    let stages: &[Stage] = match recipe.arrangement {
        Arrangement::Glpft => &Stage::ALL,
        Arrangement::Single | Arrangement::MultiTask | Arrangement::Mixed => &[Stage::Global],
        Arrangement::OneStage => &Stage::LOCAL,
    };
    let job = |&stage: &Stage| Job {
        stage,
        from: recipe.stage(stage).from.clone(),
    };
    stages.iter().map(job).collect()
}
