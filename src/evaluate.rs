//! Evaluating trained models on held-out conversations.

mod fitted;
mod identity;
mod live;
mod models;
mod perplexity;
mod recipe;
mod trained_on;
mod work;
mod workplace;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_agent::{LongPrompts, PolicySettings};
use glpft_data::{Conversations, ReadOptions, Source};
use glpft_eval::static_evaluation::{
    Answerer, Contestant, StaticEvaluation, StaticObserver, StaticReport, StaticSettings,
};
use glpft_recipes::{Arrangement, Behaviour, Schemas};

use crate::error::Error;
use crate::team::TeamSource;
pub(crate) use fitted::Fitted;
pub(crate) use identity::of_what_is_there as models_of_run;
use live::open_policy;
pub use live::{EvaluateLive, Trained, evaluate_live};
pub use models::Models;
pub use perplexity::{EvaluatePerplexity, PerplexityReport, RolePerplexity, evaluate_perplexity};
pub use recipe::{RunFacts, run_facts};
pub use trained_on::training_overlap;
pub(crate) use trained_on::{shown, trained_on};
pub use work::{Work, work};
pub use workplace::{JudgeChoice, TaskSource, Workplace, read_tasks};

/// The folder of a run's evaluations, each in a folder of its own.
pub const EVAL_FOLDER: &str = "eval";

/// A static evaluation: who, of what, how, and where it is kept.
#[derive(Debug)]
pub struct EvaluateStatic<'a> {
    /// Who answers.
    pub models: Models<'a>,
    /// The held-out conversations: what [`Source`] reads, usually a stage-2 file.
    pub data: &'a Path,
    /// How it is done.
    pub settings: &'a StaticSettings,
    /// The directory that it is kept in.
    pub out: &'a Path,
    /// Removes an evaluation that is there already.
    pub overwrite: bool,
    /// Set from outside to end after the batch under way.
    pub stop: &'a AtomicBool,
}

/// Evaluates a team or a rival agent, or goes on with it, and leaves the files that
/// [`static_evaluation`](glpft_eval::static_evaluation) lists. Where every step is answered already, no model is loaded.
///
/// # Errors
/// The data or the models cannot be used; [`Error::Static`] for the rest.
pub fn evaluate_static(
    evaluation: &EvaluateStatic<'_>,
    observer: &mut dyn StaticObserver,
) -> Result<StaticReport, Error> {
    let EvaluateStatic {
        models,
        data,
        settings,
        ..
    } = *evaluation;
    let facts = run_facts(models.team)?;
    let prompts = models.prompts(&facts)?;
    let Conversations {
        conversations,
        report,
    } = read(data, settings.behaviour, facts.schemas)?;
    let mut manifest = models.manifest()?;
    manifest
        .about
        .insert("data".to_owned(), data.display().to_string());
    StaticEvaluation {
        conversations: &conversations,
        bad_records: report.bad.len(),
        prompts: &prompts,
        answerer: facts.answerer,
        settings,
        manifest,
        out: evaluation.out,
        overwrite: evaluation.overwrite,
        stop: evaluation.stop,
    }
    .run(
        &mut || match models.team {
            TeamSource::Agent(_) => {
                let policy = PolicySettings {
                    sampling: settings.sampling,
                    limits: settings.limits,
                    system_prefix: settings.system_prefix,
                    schemas: facts.schemas,
                    long_prompts: LongPrompts::OldestTurns,
                };
                let agent = open_policy(&models, &facts, &prompts, policy)?;
                Ok::<_, Error>(Contestant::Agent(agent))
            }
            _ => Ok(Contestant::Models(Box::new(Fitted(models.open()?)))),
        },
        observer,
    )
}

/// The conversations of `data`. Every usable record counts, valid or not; observations are as the behaviour has them,
/// tools as the run that is evaluated has them.
///
/// # Errors
/// Where there is no usable record.
pub fn read(data: &Path, behaviour: Behaviour, schemas: Schemas) -> Result<Conversations, Error> {
    let options = ReadOptions {
        schemas,
        ..match behaviour {
            Behaviour::Compat => ReadOptions::PUBLISHED,
            Behaviour::Fixed => ReadOptions::FIXED,
        }
    };
    let source = Source::open(data, None)?;
    Ok(source.read_conversations(&options, &mut |_, _| {})?)
}

/// Who answers in a run of an arrangement.
pub fn answerer(arrangement: Arrangement) -> Answerer {
    match arrangement {
        Arrangement::Single | Arrangement::Mixed => Answerer::Single,
        Arrangement::Glpft | Arrangement::OneStage | Arrangement::MultiTask => Answerer::Team,
    }
}
