//! Evaluating trained models on held-out conversations.

mod fitted;
mod identity;
mod live;
mod perplexity;
mod recipe;
mod work;
mod workplace;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use glpft_agent::Generate;
use glpft_data::{Conversations, Prompts, ReadOptions, Source};
use glpft_eval::static_evaluation::{
    Answerer, Manifest, StaticEvaluation, StaticObserver, StaticReport, StaticSettings,
};
use glpft_recipes::{Arrangement, Behaviour, Observations, Precision};

use crate::error::Error;
use crate::team::{Team, TeamSource};
pub(crate) use fitted::Fitted;
pub(crate) use identity::of_what_is_there as models_of_run;
pub use live::{EvaluateLive, Trained, evaluate_live};
pub use perplexity::{EvaluatePerplexity, PerplexityReport, RolePerplexity, evaluate_perplexity};
pub use recipe::{RunFacts, run_facts};
pub use work::{Work, work};
pub use workplace::{JudgeChoice, TaskSource, Workplace};

/// The folder of a run's evaluations, each in a folder of its own.
pub const EVAL_FOLDER: &str = "eval";

/// A static evaluation: who, of what, how, and where it is kept.
#[derive(Debug)]
pub struct EvaluateStatic<'a> {
    /// The models.
    pub team: &'a TeamSource,
    /// The held-out conversations: what [`Source`] reads, usually a stage-2 file.
    pub data: &'a Path,
    /// A file of prompt templates; default: the run's, or the built-in ones.
    pub prompts: Option<&'a Path>,
    /// How it is done.
    pub settings: &'a StaticSettings,
    /// The directory that it is kept in.
    pub out: &'a Path,
    /// Removes an evaluation that is there already.
    pub overwrite: bool,
    /// What computes.
    pub device: &'a Device,
    /// The precision of the layers' products.
    pub precision: Precision,
    /// Set from outside to end after the batch under way.
    pub stop: &'a AtomicBool,
}

/// Evaluates a team, or goes on with it, and leaves the files that
/// [`static_evaluation`](glpft_eval::static_evaluation) lists. Where every step is answered already, no model is loaded.
///
/// # Errors
/// The data or the models cannot be used; [`Error::Static`] for the rest.
pub fn evaluate_static(
    evaluation: &EvaluateStatic<'_>,
    observer: &mut dyn StaticObserver,
) -> Result<StaticReport, Error> {
    let EvaluateStatic {
        team,
        data,
        settings,
        ..
    } = *evaluation;
    let facts = run_facts(team)?;
    let prompts = match evaluation.prompts {
        Some(path) => Prompts::open(Some(path))?,
        None => Prompts::open(facts.prompts.as_deref())?,
    };
    let Conversations {
        conversations,
        report,
    } = read(data, settings.behaviour)?;
    let mut manifest = Manifest {
        decides: identity::of(team)?,
        about: identity::about(team),
    };
    let precision = evaluation.precision.name().to_owned();
    manifest.decides.insert("precision".to_owned(), precision);
    manifest
        .about
        .insert("data".to_owned(), data.display().to_string());
    manifest
        .about
        .insert("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
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
        &mut || {
            let team = Team::open(team, evaluation.device, evaluation.precision)?;
            Ok::<Box<dyn Generate>, Error>(Box::new(Fitted(team)))
        },
        observer,
    )
}

/// The conversations of `data`. Every usable record counts, valid or not; observations are as the behaviour has them.
///
/// # Errors
/// Where there is no usable record.
pub fn read(data: &Path, behaviour: Behaviour) -> Result<Conversations, Error> {
    let options = ReadOptions {
        valid_only: false,
        observations: match behaviour {
            Behaviour::Compat => Observations::Response,
            Behaviour::Fixed => Observations::ResponseOrError,
        },
        strict: false,
    };
    let source = Source::open(data, None)?;
    Ok(source.read_conversations(&options, &mut |_, _| {})?)
}

/// Who answers in a run of an arrangement.
pub fn answerer(arrangement: Arrangement) -> Answerer {
    match arrangement {
        Arrangement::Single => Answerer::Single,
        Arrangement::Glpft | Arrangement::OneStage | Arrangement::MultiTask => Answerer::Team,
    }
}
