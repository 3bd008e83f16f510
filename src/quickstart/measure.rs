//! Measuring a contestant on held-out tasks: step by step, and at work with tools.

use std::path::Path;

use glpft_agent::{Limits, PolicySettings, Strategy};
use glpft_eval::DirectoryError;
use glpft_eval::judge::OfflineJudge;
use glpft_eval::live_evaluation::{LiveError, LiveSettings, LiveTask};
use glpft_eval::static_evaluation::{StaticError, StaticReport, StaticSettings};
use glpft_recipes::{Precision, Recipe, SystemPrefix};
use glpft_world::{TestGroup, World};

use super::live_result::LiveResult;
use super::{Contestant, Quickstart, QuickstartObserver};
use crate::Error;
use crate::evaluate::{EvaluateLive, EvaluateStatic, Models, evaluate_live, evaluate_static};

/// How tasks are searched: one chain, and a tree.
const STRATEGIES: [(&str, Strategy); 2] = [("react", Strategy::REACT), ("dfsdt", Strategy::DFSDT)];
/// Conversations and tasks that are answered together.
const TOGETHER: usize = 32;
/// Prompt and answer of the longest step.
const LIMITS: Limits = Limits {
    prompt_tokens: 1400,
    new_tokens: 120,
    stop_repeats: None,
};
/// Steps of a tree: where both children of every node fail, more of the same follows.
const QUERIES: usize = 30;

/// What a quick start measures with, and where.
pub(super) struct Measuring<'a> {
    /// The quick start's directory.
    pub root: &'a Path,
    /// The world, which serves the tools and knows the truth.
    pub world: &'a World,
    /// Its files.
    pub files: &'a Path,
    /// A recipe of the quick start: prompts are what training's were.
    pub recipe: &'a Recipe,
}

/// What was measured of a contestant.
pub(super) struct Measured {
    /// Step by step.
    pub of_steps: StaticReport,
    /// At work with tools, by strategy.
    pub live: Vec<LiveResult>,
}

/// Measures a contestant, or goes on with that. What was measured by other settings (another number of tasks) makes way.
pub(super) fn measure(
    quickstart: &Quickstart<'_>,
    contestant: Contestant,
    place: &Measuring<'_>,
    observer: &mut dyn QuickstartObserver,
) -> Result<Measured, Error> {
    let (world, recipe) = (place.world, place.recipe);
    let models = Models {
        team: &contestant.models(place.root),
        prompts: None,
        device: quickstart.device,
        precision: Precision::F32,
        cache_bytes: None,
    };
    let eval = contestant.evaluations(place.root);
    let stop = quickstart.stop;
    let system_prefix = recipe.data.system_prefix == SystemPrefix::Both;
    let settings = StaticSettings {
        limits: LIMITS,
        batch: TOGETHER,
        system_prefix,
        ..StaticSettings::default()
    };
    let of_steps = in_place_of_other(|overwrite| {
        let evaluation = EvaluateStatic {
            models,
            data: &place.files.join("test.json"),
            settings: &settings,
            out: &eval.join("static"),
            overwrite,
            stop,
        };
        evaluate_static(&evaluation, observer.static_evaluation())
    })?;
    let tasks: Vec<LiveTask> = TestGroup::ALL
        .into_iter()
        .flat_map(|group| world.test(group).take(quickstart.tasks_per_group))
        .map(LiveTask::from)
        .collect();
    let mut live = Vec::new();
    for (name, strategy) in STRATEGIES {
        let mut settings = LiveSettings::published(strategy);
        settings.search.queries = QUERIES;
        settings.together = TOGETHER;
        let report = in_place_of_other(|overwrite| {
            let evaluation = EvaluateLive {
                models,
                tasks: &tasks,
                whole: None,
                server: world,
                server_name: &format!("world {} {:?}", world.seed(), world.size()),
                judge: &OfflineJudge::new(world),
                reference: None,
                // The likeliest tokens: a tree's siblings are told what was tried before them, so they differ all the same.
                policy: PolicySettings {
                    limits: LIMITS,
                    system_prefix,
                    schemas: recipe.data.schemas,
                    ..PolicySettings::greedy()
                },
                settings: &settings,
                out: &eval.join(format!("live-{name}")),
                overwrite,
                stop,
            };
            evaluate_live(&evaluation, observer.live_evaluation(name))
        })?;
        live.push(LiveResult {
            strategy: name.to_owned(),
            report,
        });
    }
    Ok(Measured { of_steps, live })
}

/// What `evaluate` comes to; it is told to overwrite where its directory holds an evaluation by other settings.
fn in_place_of_other<R>(mut evaluate: impl FnMut(bool) -> Result<R, Error>) -> Result<R, Error> {
    match evaluate(false) {
        Err(
            Error::Static(StaticError::Directory(DirectoryError::Other { .. }))
            | Error::Live(LiveError::Directory(DirectoryError::Other { .. })),
        ) => evaluate(true),
        outcome => outcome,
    }
}
