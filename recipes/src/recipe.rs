//! The recipe as a whole.

use serde::{Deserialize, Serialize};

use crate::{DataRecipe, ModelRecipe, Stage, StageRecipe};

/// Which models a run trains, and from what (the paper's compared methods, arXiv 2401.07324 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrangement {
    /// The global stage, then each role from its result.
    Glpft,
    /// The global stage alone ("Single-LLM").
    Single,
    /// Each role straight from the base model, with the local settings ("Multi-LLM one-stage").
    OneStage,
    /// One model on the union of the three role datasets, with the global settings ("Single-LLM multi-task").
    MultiTask,
    /// One model on the backbone's dataset and the three role datasets, with the global settings. None of the paper's: it
    /// makes a base that knows every form of prompt, for small models that others start from.
    Mixed,
}

/// What the global stage of the arrangement `glpft` trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GlobalData {
    /// Whole trajectories in the backbone's prompts (arXiv 2401.07324, §3.3).
    Trajectories,
    /// These and the three role datasets, so that no local stage has to learn its prompt's form first.
    Mixed,
}

/// The four stages' settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages {
    /// The global stage.
    pub global: StageRecipe,
    /// The planner's stage.
    pub planner: StageRecipe,
    /// The caller's stage.
    pub caller: StageRecipe,
    /// The summarizer's stage.
    pub summarizer: StageRecipe,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The recipe's name; the run directory's default name. Default: the file's.
    pub name: String,
    /// One line for people; may be empty.
    pub description: String,
    /// Seeds everything random in a run but the splits. Default: 42.
    pub seed: u64,
    /// Which models are trained, and from what. Default: `glpft`.
    pub arrangement: Arrangement,
    /// Whether the local stages train on the queries that the global stage saw (true), or the two train on
    /// disjoint halves, which only the arrangement `glpft` can. Default: true.
    pub reuse: bool,
    /// See [`GlobalData`]. Other arrangements have no choice. Default: `trajectories`.
    pub global_data: GlobalData,
    /// What the run starts from.
    pub model: ModelRecipe,
    /// What it reads.
    pub data: DataRecipe,
    /// How its stages train.
    pub stage: Stages,
}

impl Recipe {
    /// The settings of one stage.
    pub fn stage(&self, stage: Stage) -> &StageRecipe {
        match stage {
            Stage::Global => &self.stage.global,
            Stage::Planner => &self.stage.planner,
            Stage::Caller => &self.stage.caller,
            Stage::Summarizer => &self.stage.summarizer,
        }
    }

    /// The same, to be changed.
    pub fn stage_mut(&mut self, stage: Stage) -> &mut StageRecipe {
        match stage {
            Stage::Global => &mut self.stage.global,
            Stage::Planner => &mut self.stage.planner,
            Stage::Caller => &mut self.stage.caller,
            Stage::Summarizer => &mut self.stage.summarizer,
        }
    }
}
