//! What a quick start compares: the base, what each stage makes of it, and other ways to spend as much training.

use std::path::{Path, PathBuf};

use glpft_recipes::{Override, Recipe, Stage};
use serde::Serialize;

use crate::Error;
use crate::team::{RoleSource, TeamSource};

use super::folders::{BASE, MEASURED};

/// The recipe of the team.
const RECIPE: &str = "world";
/// How often the single model reads its data: it computes about as many tokens as the team's four stages.
const SINGLE_EPOCHS: &str = "5";
/// How often the one model for all roles reads its data, likewise.
const MULTI_TASK_EPOCHS: &str = "3";
/// How often roles that start from the base read their data, likewise.
const ONE_STAGE_EPOCHS: [(&str, &str); 3] = [
    ("stage.planner.epochs", "3"),
    ("stage.caller.epochs", "2"),
    ("stage.summarizer.epochs", "4"),
];

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    /// The base model as it is.
    Base,
    /// The backbone after the global stage: one model that thinks, calls and answers, by the paper's training (Single-LLM).
    Global,
    /// Single-LLM with as much training as the team.
    Single,
    /// Each role straight from the base, with as much training as the team.
    OneStage,
    /// One model for all three roles, with as much training as the team.
    MultiTask,
    /// GLPFT whose two stages learn from disjoint halves of the tasks.
    WithoutReuse,
    /// Planner, caller and summarizer, by GLPFT (α-UMi).
    Team,
}

/// Which contestants there are beside the base and the team's stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// None.
    Stages,
    /// A single model with as much training as the team.
    #[default]
    Single,
    /// That, and the paper's other arrangements.
    All,
}

impl Contestant {
    /// All, as tables list them.
    pub const ALL: [Contestant; 7] = [
        Contestant::Base,
        Contestant::Global,
        Contestant::Single,
        Contestant::OneStage,
        Contestant::MultiTask,
        Contestant::WithoutReuse,
        Contestant::Team,
    ];

    /// Those of a comparison, in the order in which they are trained and measured: the global stage is the team's.
    pub fn of(comparison: Comparison) -> Vec<Contestant> {
        use Contestant::{Base, Global, MultiTask, OneStage, Single, Team, WithoutReuse};
        let all = [
            Base,
            Global,
            Team,
            Single,
            OneStage,
            MultiTask,
            WithoutReuse,
        ];
        let count = match comparison {
            Comparison::Stages => 3,
            Comparison::Single => 4,
            Comparison::All => all.len(),
        };
        all[..count].to_vec()
    }

    /// The name in folders and files.
    pub fn name(self) -> &'static str {
        match self {
            Contestant::Base => "base",
            Contestant::Global => "global",
            Contestant::Single => "single",
            Contestant::OneStage => "one-stage",
            Contestant::MultiTask => "multi-task",
            Contestant::WithoutReuse => "without-reuse",
            Contestant::Team => "team",
        }
    }

    /// What tables call it.
    pub fn title(self) -> &'static str {
        match self {
            Contestant::Base => "base model",
            Contestant::Global => "global stage (Single-LLM)",
            Contestant::Single => "Single-LLM, team's compute",
            Contestant::OneStage => "Multi-LLM one-stage",
            Contestant::MultiTask => "Single-LLM multi-task",
            Contestant::WithoutReuse => "GLPFT without reuse",
            Contestant::Team => "GLPFT team (α-UMi)",
        }
    }

    /// What it is, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Contestant::Base => "the base model as it is, before any training on this world",
            Contestant::Global => "one model after the global stage on whole trajectories",
            Contestant::Single => {
                "the global stage alone, for about as many tokens as all stages of the team"
            }
            Contestant::OneStage => {
                "a planner, a caller and a summarizer straight from the base, for about as many tokens"
            }
            Contestant::MultiTask => "one model for all three roles, for about as many tokens",
            Contestant::WithoutReuse => {
                "GLPFT whose stages learn from disjoint halves of the tasks, so from half as many tokens"
            }
            Contestant::Team => {
                "a planner, a caller and a summarizer: the global stage, then a local stage for each"
            }
        }
    }

    /// The folder of the run that trains it; none of the base.
    pub(super) fn run(self) -> Option<&'static str> {
        match self {
            Contestant::Base => None,
            Contestant::Global => Some(Contestant::Team.name()),
            other => Some(other.name()),
        }
    }

    /// Which stages of that run made it.
    pub(super) fn is_made_by(self, stage: Stage) -> bool {
        self != Contestant::Global || stage == Stage::Global
    }

    /// Who answers, in a quick start's directory.
    pub(super) fn models(self, root: &Path) -> TeamSource {
        let single = |path: PathBuf| TeamSource::Single(RoleSource::Local(path));
        match self {
            Contestant::Base => single(root.join(BASE)),
            Contestant::Global => {
                let run = root.join(Contestant::Team.name());
                single(run.join("models").join(Stage::Global.name()))
            }
            other => TeamSource::Run(root.join(other.name())),
        }
    }

    /// Where its evaluations are: in its run, unless it is not all of one.
    pub(super) fn evaluations(self, root: &Path) -> PathBuf {
        match self {
            Contestant::Base | Contestant::Global => root.join(MEASURED).join(self.name()),
            other => root.join(other.name()).join(crate::evaluate::EVAL_FOLDER),
        }
    }

    /// The recipe of its run: the built-in `world`, on these trajectories, from this base.
    ///
    /// # Errors
    /// A path that a recipe cannot hold.
    pub fn recipe(self, world: &Path, base: &Path, seed: u64) -> Result<Recipe, Error> {
        let mut overrides = vec![
            Override::new("data.source", text(world)?),
            Override::new("model.base", text(base)?),
            Override::new("seed", seed.to_string()),
            Override::new("name", self.run().unwrap_or_else(|| self.name())),
        ];
        match self {
            Contestant::Single => {
                overrides.push(Override::new("arrangement", "single"));
                overrides.push(Override::new("stage.global.epochs", SINGLE_EPOCHS));
            }
            Contestant::OneStage => {
                overrides.push(Override::new("arrangement", "one-stage"));
                let epochs = ONE_STAGE_EPOCHS.map(|(key, epochs)| Override::new(key, epochs));
                overrides.extend(epochs);
            }
            Contestant::MultiTask => {
                overrides.push(Override::new("arrangement", "multi-task"));
                overrides.push(Override::new("stage.global.epochs", MULTI_TASK_EPOCHS));
            }
            Contestant::WithoutReuse => overrides.push(Override::new("reuse", "false")),
            Contestant::Base | Contestant::Global | Contestant::Team => {}
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use glpft_recipes::Arrangement;

    use super::*;

    #[test]
    fn every_contestant_has_a_recipe_of_its_arrangement_and_is_in_a_comparison() {
        let all = Contestant::of(Comparison::All);
        for contestant in Contestant::ALL {
            assert!(all.contains(&contestant), "{contestant:?}");
            let recipe = contestant
                .recipe(Path::new("w"), Path::new("b"), 3)
                .unwrap();
            let arrangement = match contestant {
                Contestant::Single => Arrangement::Single,
                Contestant::OneStage => Arrangement::OneStage,
                Contestant::MultiTask => Arrangement::MultiTask,
                _ => Arrangement::Glpft,
            };
            assert_eq!(recipe.arrangement, arrangement);
            assert_eq!(recipe.reuse, contestant != Contestant::WithoutReuse);
        }
        // The global stage is the team's: it is measured where that run is there.
        let place = |contestant| all.iter().position(|one| *one == contestant).unwrap();
        assert_eq!(place(Contestant::Global) + 1, place(Contestant::Team));
    }
}
