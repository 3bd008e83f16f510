//! A run's models at work: drawing samples of training tasks, and on held-out tasks.

use std::path::Path;

use glpft_agent::{LongPrompts, PolicySettings, Sampling};
use glpft_eval::DirectoryError;
use glpft_eval::judge::Judge;
use glpft_eval::live_evaluation::{LiveError, LiveObserver, LiveReport, LiveTask};

use super::Improve;
use super::samples::{OfSamples, samples_of};
use crate::Error;
use crate::evaluate::{EVAL_FOLDER, EvaluateLive, Models, evaluate_live, run_facts};
use crate::team::TeamSource;

/// The folder of a round's rollouts of training tasks.
pub(super) const SAMPLES_FOLDER: &str = "samples";
/// The name of the held-out tasks' evaluation in a run's `eval/`.
const HELD_OUT: &str = "improve";

/// Has the models of the run in `start` work on every training task as often as a round has samples, or goes on with that;
/// leaves a live evaluation in `out`.
pub(super) fn sample(
    improve: &Improve<'_>,
    round: usize,
    start: &Path,
    out: &Path,
    observer: &mut dyn LiveObserver,
) -> Result<LiveReport, Error> {
    let settings = improve.settings;
    let tasks = samples_of(&improve.tasks.training, settings.samples);
    let work = Work {
        tasks: &tasks,
        whole: None,
        judge: &OfSamples(improve.judge),
        sampling: settings.sampling(round),
        out,
    };
    evaluate(improve, start, &work, false, observer)
}

/// Measures a run on the held-out tasks, by the likeliest tokens, or goes on with that. An evaluation by other settings makes
/// way: it is of rounds that are no more.
pub(super) fn measure(
    improve: &Improve<'_>,
    run: &Path,
    observer: &mut dyn LiveObserver,
) -> Result<LiveReport, Error> {
    let work = Work {
        tasks: &improve.tasks.held_out,
        whole: Some(improve.tasks.held_out_of),
        judge: improve.judge,
        sampling: Sampling::Greedy,
        out: &run.join(EVAL_FOLDER).join(HELD_OUT),
    };
    match evaluate(improve, run, &work, false, observer) {
        Err(Error::Live(LiveError::Directory(DirectoryError::Other { .. }))) => {
            evaluate(improve, run, &work, true, observer)
        }
        outcome => outcome,
    }
}

/// What is to be done.
struct Work<'w> {
    tasks: &'w [LiveTask],
    whole: Option<usize>,
    judge: &'w dyn Judge,
    sampling: Sampling,
    out: &'w Path,
}

fn evaluate(
    improve: &Improve<'_>,
    run: &Path,
    work: &Work<'_>,
    overwrite: bool,
    observer: &mut dyn LiveObserver,
) -> Result<LiveReport, Error> {
    let settings = improve.settings;
    let team = TeamSource::Run(run.to_owned());
    let facts = run_facts(&team)?;
    let mut live = settings.live.clone();
    live.search.observations = facts.observations;
    let evaluation = EvaluateLive {
        models: Models {
            team: &team,
            prompts: None,
            device: improve.device,
            precision: settings.precision,
            cache_bytes: settings.cache_bytes,
        },
        tasks: work.tasks,
        whole: work.whole,
        server: improve.server,
        server_name: improve.server_name,
        judge: work.judge,
        reference: None,
        policy: PolicySettings {
            sampling: work.sampling,
            limits: settings.limits,
            system_prefix: facts.system_prefix,
            schemas: facts.schemas,
            long_prompts: LongPrompts::OldestTurns,
        },
        settings: &live,
        out: work.out,
        overwrite,
        stop: improve.stop,
    };
    evaluate_live(&evaluation, observer)
}
