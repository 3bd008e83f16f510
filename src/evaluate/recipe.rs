//! What a run's recipe says about asking its models.

use std::path::PathBuf;

use glpft_eval::static_evaluation::Answerer;
use glpft_recipes::{Layout, Observations, Recipe, Schemas, SystemPrefix};

use super::answerer;
use crate::error::Error;
use crate::team::{RoleSource, TeamSource, run_around};

/// How a team wants to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Who answers.
    pub answerer: Answerer,
    /// Whether `system: ` stands before prompts.
    pub system_prefix: bool,
    /// How the observations that it learned from became turns.
    pub observations: Observations,
    /// What prompts showed of functions' schemas.
    pub schemas: Schemas,
    /// Where prompts had what their role alone reads.
    pub layout: Layout,
    /// The templates that it learned with; none for the built-in ones.
    pub prompts: Option<PathBuf>,
}

/// What a run's recipe says, of a directory that is a run or a run's model; the defaults of recipes for other models.
/// Of a trio, the planner's, or that of the first of the others that is no server's.
///
/// # Errors
/// The run's recipe cannot be read.
pub fn run_facts(team: &TeamSource) -> Result<RunFacts, Error> {
    let recipe = recipe(team)?;
    let answers = match (team, &recipe) {
        (TeamSource::Run(_), Some(recipe)) => answerer(recipe.arrangement),
        (TeamSource::Single(_), _) => Answerer::Single,
        (TeamSource::Agent(_), _) => Answerer::Agent,
        _ => Answerer::Team,
    };
    Ok(RunFacts {
        answerer: answers,
        system_prefix: recipe
            .as_ref()
            .is_none_or(|recipe| recipe.data.system_prefix == SystemPrefix::Both),
        observations: recipe
            .as_ref()
            .map_or(Observations::ResponseOrError, |recipe| {
                recipe.data.observations
            }),
        schemas: recipe
            .as_ref()
            .map_or(Schemas::Whole, |recipe| recipe.data.schemas),
        layout: recipe
            .as_ref()
            .map_or(Layout::RoleFirst, |recipe| recipe.data.layout),
        prompts: recipe.and_then(|recipe| recipe.data.prompts.map(PathBuf::from)),
    })
}

/// The recipe of the run that a team is, or is of; of a trio, that of the first that is no server's.
pub(super) fn recipe(team: &TeamSource) -> Result<Option<Recipe>, Error> {
    let path = match team {
        TeamSource::Run(path) => Some(path.as_path()),
        TeamSource::Single(model) => model.local(),
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => {
            let all = [planner, caller, summarizer];
            all.into_iter().find_map(RoleSource::local)
        }
        TeamSource::Agent(_) => None,
    };
    let run = path.and_then(run_around);
    Ok(run.map(|run| Recipe::load(run.recipe(), &[])).transpose()?)
}
