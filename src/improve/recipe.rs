//! A round's recipe: the run's own, with what the round kept beside its data.

use std::path::Path;

use glpft_recipes::{Recipe, RecipeError, SourceRecipe, StartFrom};

use super::settings::{ImproveSettings, RoundStart};
use crate::Error;

/// Names of recipes have at most 64 characters, which the round's number is one of.
const NAME_CHARACTERS: usize = 48;

/// The recipe of the round `number` of a run, whose tasks the models of the run in `start` played; what was kept is in
/// `kept`.
///
/// # Errors
/// A path that recipes cannot hold, or a recipe that does not hold together.
pub(super) fn round_recipe(
    recipe: &Recipe,
    number: usize,
    start: &Path,
    kept: &Path,
    settings: &ImproveSettings,
) -> Result<Recipe, Error> {
    let mut round = recipe.clone();
    let name: String = recipe.name.chars().take(NAME_CHARACTERS).collect();
    round.name = format!("{name}-round-{number}");
    round.description = format!("Round {number}: its own rollouts that passed, beside its data");
    let mut sources = recipe.data.all_sources();
    sources.push(SourceRecipe {
        name: source_name(&sources, number),
        weight: settings.weight,
        roles: settings
            .roles
            .iter()
            .map(|role| role.name().to_owned())
            .collect(),
        extra: true,
        ..SourceRecipe::new(text(kept)?)
    });
    round.data.source = String::new();
    round.data.sources = sources;
    if settings.from == RoundStart::Last {
        for &role in &settings.roles {
            let model = start.join("models").join(role.name());
            round.stage_mut(role).from = StartFrom::Directory(text(&model)?.to_owned());
        }
    }
    Ok(checked(&round)?)
}

/// The name of what the round `number` kept among the sources of its recipe.
pub(super) fn source_name(others: &[SourceRecipe], number: usize) -> String {
    let mut name = format!("round-{number}");
    // A round may itself be improved: its data have one of that name.
    while others.iter().any(|other| other.name == name) {
        name.push_str("-again");
    }
    name
}

/// The recipe as a file would give it, which is checked.
fn checked(recipe: &Recipe) -> Result<Recipe, RecipeError> {
    Recipe::parse(&recipe.to_toml(), &recipe.name, &[])
}

/// A path as recipes hold it.
fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::Argument {
        argument: "RUN",
        problem: format!(
            "{} is not Unicode, as recipes are; move the run",
            path.display()
        ),
    })
}

#[cfg(test)]
mod tests {
    use glpft_agent::{Limits, Sampling, Strategy};
    use glpft_eval::live_evaluation::LiveSettings;
    use glpft_recipes::{Precision, Stage};

    use super::*;

    fn settings(roles: &[Stage], from: RoundStart) -> ImproveSettings {
        ImproveSettings {
            rounds: 1,
            samples: 1,
            sampling: Sampling::Greedy,
            roles: roles.to_vec(),
            from,
            weight: 2.5,
            live: LiveSettings::published(Strategy::REACT),
            limits: Limits::LIVE,
            precision: Precision::F32,
            cache_bytes: None,
        }
    }

    #[test]
    fn a_round_reads_the_runs_data_and_what_it_kept() {
        let recipe = Recipe::load("sample", &[]).expect("a built-in recipe");
        let (start, kept) = (Path::new("/run"), Path::new("/run/rounds/1/kept"));
        let planner = settings(&[Stage::Planner], RoundStart::Last);
        let round = round_recipe(&recipe, 1, start, kept, &planner).expect("a recipe");
        assert_eq!(round.name, "sample-round-1");
        let [own, of_round] = &round.data.sources[..] else {
            panic!("two sources: {:?}", round.data.sources);
        };
        assert_eq!(own.path, "builtin:sample");
        assert_eq!(of_round.path, "/run/rounds/1/kept");
        assert_eq!(
            (of_round.weight, &*of_round.roles),
            (2.5, &["planner".to_owned()][..])
        );
        let last = StartFrom::Directory("/run/models/planner".to_owned());
        assert_eq!(round.stage(Stage::Planner).from, last);
        assert_eq!(round.stage(Stage::Caller), recipe.stage(Stage::Caller));
        // Nothing else of the recipe is another; with `global`, nothing of the stages.
        let global = settings(&Stage::LOCAL, RoundStart::Global);
        let round = round_recipe(&recipe, 1, start, kept, &global).expect("a recipe");
        let differences = round.differences(&recipe);
        let keys: Vec<&str> = differences.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["data.source", "data.sources"]);
        // A round's round.
        let again = round_recipe(&round, 1, start, kept, &global).expect("a recipe");
        let names: Vec<&str> = again
            .data
            .sources
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["builtin:sample", "round-1", "round-1-again"]);
    }
}
