//! Measuring a cell's team: step by step, and at work on tasks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_agent::{Limits, PolicySettings, RepliesFirst, Strategy};
use glpft_checkpoints::RunDirectory;
use glpft_eval::DirectoryError;
use glpft_eval::judge::OfflineJudge;
use glpft_eval::live_evaluation::{LiveError, LiveObserver, LiveSettings, read_verdicts};
use glpft_eval::static_evaluation::{StaticError, StaticObserver, StaticReport, StaticSettings};
use glpft_recipes::{Precision, SystemPrefix};
use serde_json::{Value, json};

use super::cell::Cell;
use super::evaluate::{Evaluate, Evaluated};
use super::held_out::HeldOut;
use super::played::Played;
use super::tasks::HeldOutTasks;
use crate::Error;
use crate::evaluate::{
    EVAL_FOLDER, EvaluateLive, EvaluateStatic, Models, evaluate_live, evaluate_static, run_facts,
};
use crate::team::TeamSource;

/// Steps of a task: where both children of every node of a tree fail, more of the same follows.
const QUERIES: usize = 30;

/// Measures teams by static evaluation ([`evaluate_static`]), each into its run's `eval/study/`, and has them play tasks
/// ([`evaluate_live`]), into `eval/study-<strategy>/`.
pub struct TeamEvaluation<'a> {
    /// The held-out conversations.
    pub held_out: &'a HeldOut,
    /// How; whether `system: ` stands before prompts is the recipe's to say.
    pub settings: StaticSettings,
    /// What is played; none where nothing is.
    pub play: Option<Play<'a>>,
    /// What computes.
    pub device: &'a Device,
    /// Hears how it goes.
    pub observer: &'a mut dyn StaticObserver,
    /// Set from outside to end what is under way.
    pub stop: &'a AtomicBool,
}

/// Playing tasks, judged by what their world knows. The models' likeliest tokens: a tree's siblings are told what was tried
/// before them, so they differ all the same.
pub struct Play<'a> {
    /// The tasks.
    pub tasks: &'a HeldOutTasks,
    /// How they are searched.
    pub strategies: &'a [Strategy],
    /// Prompt and answer of the longest step.
    pub limits: Limits,
    /// Hears how it goes.
    pub observer: &'a mut dyn LiveObserver,
}

impl Play<'_> {
    fn settings(&self, strategy: Strategy) -> LiveSettings {
        let mut settings = LiveSettings::published(strategy);
        settings.search.queries = QUERIES;
        settings.search.rank = Some(Arc::new(RepliesFirst));
        settings
    }

    /// What decides what comes of the tasks, beside the team.
    fn facts(&self) -> Value {
        let strategies = self.strategies.iter();
        let strategies: Vec<_> = strategies
            .map(|&strategy| self.settings(strategy).facts())
            .collect();
        json!({
            "of": self.tasks.name,
            "count": self.tasks.tasks.len(),
            "strategies": strategies,
            "prompt tokens": self.limits.prompt_tokens,
            "new tokens": self.limits.new_tokens,
        })
    }

    fn run(
        &mut self,
        run: &RunDirectory,
        strategy: Strategy,
        device: &Device,
        stop: &AtomicBool,
    ) -> Result<Played, Error> {
        let team = TeamSource::Run(run.root().to_owned());
        let facts = run_facts(&team)?;
        let name = strategy_name(strategy);
        let out = run.root().join(EVAL_FOLDER).join(format!("study-{name}"));
        let mut settings = self.settings(strategy);
        settings.search.observations = facts.observations;
        let world = &self.tasks.world;
        in_place_of_other(|overwrite| {
            let evaluation = EvaluateLive {
                models: models(&team, device),
                tasks: &self.tasks.tasks,
                whole: None,
                server: world,
                server_name: &self.tasks.name,
                judge: &OfflineJudge::new(world),
                reference: None,
                policy: PolicySettings {
                    limits: self.limits,
                    system_prefix: facts.system_prefix,
                    schemas: facts.schemas,
                    ..PolicySettings::greedy()
                },
                settings: &settings,
                out: &out,
                overwrite,
                stop,
            };
            evaluate_live(&evaluation, self.observer)
        })?;
        let verdicts = read_verdicts(&out)?;
        Ok(Played::new(&name, &verdicts))
    }
}

/// The name of a strategy in tables and folders: its short one where it has one.
pub(super) fn strategy_name(strategy: Strategy) -> String {
    match strategy {
        Strategy::REACT => "react".to_owned(),
        Strategy::DFSDT => "dfsdt".to_owned(),
        other => other.to_string(),
    }
}

fn models<'m>(team: &'m TeamSource, device: &'m Device) -> Models<'m> {
    Models {
        team,
        prompts: None,
        device,
        precision: Precision::F32,
        cache_bytes: None,
    }
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

impl TeamEvaluation<'_> {
    fn run(&mut self, cell: &Cell, run: &RunDirectory) -> Result<StaticReport, Error> {
        let settings = StaticSettings {
            system_prefix: cell.recipe.data.system_prefix == SystemPrefix::Both,
            ..self.settings
        };
        let team = TeamSource::Run(run.root().to_owned());
        in_place_of_other(|overwrite| {
            let evaluation = EvaluateStatic {
                models: models(&team, self.device),
                data: &self.held_out.path,
                settings: &settings,
                out: &run.root().join(EVAL_FOLDER).join("study"),
                overwrite,
                stop: self.stop,
            };
            evaluate_static(&evaluation, self.observer)
        })
    }
}

impl Evaluate for TeamEvaluation<'_> {
    fn settings(&self) -> Value {
        let mut facts = self.settings.facts();
        // The recipe's.
        facts.remove("system prefix");
        let mut facts = json!(facts);
        // Named where there are some, so that older studies go on.
        if let Some(play) = &self.play {
            facts["tasks"] = play.facts();
        }
        facts
    }

    fn evaluate(&mut self, cell: &Cell, run: &RunDirectory) -> Result<Evaluated, Error> {
        let report = self.run(cell, run)?;
        let started = Instant::now();
        let mut played = Vec::new();
        if let Some(play) = &mut self.play {
            for &strategy in play.strategies {
                played.push(play.run(run, strategy, self.device, self.stop)?);
            }
        }
        Ok(Evaluated {
            metrics: report.scores.metrics,
            steps: report.data.steps as u64,
            conversations: report.data.trajectories_asked as u64,
            played,
            seconds: report.times.total() + started.elapsed().as_secs_f64(),
        })
    }
}
