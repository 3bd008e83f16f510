//! Live evaluation of trained models: they work on tasks with tools, and what they did is judged.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_agent::{
    Asked, GenerateError, ModelCalls, Policy, PolicyMessage, PolicySettings, RivalPolicy,
    SinglePolicy, TeamPolicy, ToolServer,
};
use glpft_data::{Prompts, fingerprint};
use glpft_eval::judge::Judge;
use glpft_eval::live_evaluation::{
    LiveEvaluation, LiveObserver, LiveReport, LiveSettings, LiveTask, Reference,
};
use glpft_eval::static_evaluation::Answerer;

use super::fitted::Fitted;
use super::{Models, RunFacts, run_facts};
use crate::error::Error;
use crate::notice::tell;
use crate::team::{ServedSource, Team, TeamSource};

/// A live evaluation: who, of what, with which tools, how, and where it is kept.
pub struct EvaluateLive<'a> {
    /// Who answers.
    pub models: Models<'a>,
    /// What is to be done.
    pub tasks: &'a [LiveTask],
    /// How many tasks there are, if these are a part of them; none where that is not known.
    pub whole: Option<usize>,
    /// Who replies to calls.
    pub server: &'a dyn ToolServer,
    /// What tells this server from others, for an evaluation that goes on.
    pub server_name: &'a str,
    /// Who judges.
    pub judge: &'a dyn Judge,
    /// What win rates are against.
    pub reference: Option<&'a Reference>,
    /// How models are asked.
    pub policy: PolicySettings,
    /// How tasks are searched and judged.
    pub settings: &'a LiveSettings,
    /// The directory that it is kept in.
    pub out: &'a Path,
    /// Removes an evaluation that is there already.
    pub overwrite: bool,
    /// Set from outside to end.
    pub stop: &'a AtomicBool,
}

/// Has a team, or a single model, work on tasks, or go on with them, and leaves the files that
/// [`live_evaluation`](glpft_eval::live_evaluation) lists. Where every task is done, no model is loaded.
///
/// # Errors
/// The models cannot be used; [`Error::Live`] for the rest.
pub fn evaluate_live(
    evaluation: &EvaluateLive<'_>,
    observer: &mut dyn LiveObserver,
) -> Result<LiveReport, Error> {
    let models = evaluation.models;
    let facts = run_facts(models.team)?;
    let prompts = models.prompts(&facts)?;
    let mut manifest = models.manifest()?;
    let templates = format!("{prompts:?}");
    for (name, value) in [
        ("tools", evaluation.server_name.to_owned()),
        ("prompts", fingerprint(&[templates.as_bytes()])),
        ("policy", format!("{:?}", evaluation.policy)),
    ] {
        manifest.decides.insert(name.to_owned(), value);
    }
    LiveEvaluation {
        tasks: evaluation.tasks,
        whole: evaluation.whole,
        server: evaluation.server,
        judge: evaluation.judge,
        reference: evaluation.reference,
        settings: evaluation.settings,
        manifest,
        out: evaluation.out,
        overwrite: evaluation.overwrite,
        stop: evaluation.stop,
    }
    .run(
        &mut || open_policy(&models, &facts, &prompts, evaluation.policy),
        observer,
    )
}

/// Who works on tasks: trained models, or a rival agent behind a server.
pub(super) fn open_policy(
    models: &Models<'_>,
    facts: &RunFacts,
    prompts: &Prompts,
    settings: PolicySettings,
) -> Result<Box<dyn Policy>, Error> {
    if let TeamSource::Agent(agent) = models.team {
        let ServedSource {
            address,
            settings: server,
        } = agent.as_ref().clone();
        let rival = RivalPolicy::open(address, server, settings)?;
        if let Some(note) = rival.note() {
            tell(note.clone(), &note);
        }
        return Ok(Box::new(rival));
    }
    let team = models.open()?;
    Ok(Box::new(Trained::new(
        team,
        facts.answerer,
        prompts.clone(),
        settings,
    )))
}

/// Trained models as a policy: a team's, or a single one.
pub struct Trained {
    models: Fitted,
    answerer: Answerer,
    prompts: Prompts,
    settings: PolicySettings,
}

impl Trained {
    /// Models that are asked with these prompts.
    pub fn new(team: Team, answerer: Answerer, prompts: Prompts, settings: PolicySettings) -> Self {
        Self {
            models: Fitted(team),
            answerer,
            prompts,
            settings,
        }
    }
}

impl Policy for Trained {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        let Self {
            models,
            answerer,
            prompts,
            settings,
        } = self;
        match answerer {
            // An agent is a policy of its own.
            Answerer::Team | Answerer::Agent => {
                TeamPolicy::new(models, prompts, *settings).say(asked)
            }
            Answerer::Single => SinglePolicy::new(models, prompts, *settings).say(asked),
        }
    }

    fn server_calls(&self) -> ModelCalls {
        glpft_agent::Generate::server_calls(&self.models)
    }

    fn forget(&mut self) {
        glpft_agent::Generate::forget(&mut self.models);
    }
}
