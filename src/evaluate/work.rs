//! Trained models at work, without a judge.

use std::ops::ControlFlow;
use std::path::Path;

use glpft_agent::{
    PathStep, PolicySettings, Rollout, RolloutObserver, RolloutSettings, Strategy, Task,
    ToolServer, Watched, run_rollouts,
};
use glpft_checkpoints::{FileError, remove_abandoned, write_atomically};

use super::live::open_policy;
use super::{Models, run_facts};
use crate::error::Error;
use crate::notice::tell;

/// Who works on what.
pub struct Work<'a> {
    /// Who answers.
    pub models: Models<'a>,
    /// What is to be done.
    pub tasks: &'a [Task],
    /// Who replies to calls.
    pub server: &'a dyn ToolServer,
    /// How models are asked.
    pub policy: PolicySettings,
    /// How tasks are searched.
    pub settings: &'a RolloutSettings,
    /// The folder that gets an answer file of each rollout; none without.
    pub out: Option<&'a Path>,
}

/// Works on the tasks and writes each answer file as the task is done; the rollouts in the tasks' order, as far as the observer
/// let it go.
///
/// # Errors
/// The models cannot be used, or a file cannot be written.
pub fn work(work: &Work<'_>, observer: &mut dyn RolloutObserver) -> Result<Vec<Rollout>, Error> {
    let facts = run_facts(work.models.team)?;
    let prompts = work.models.prompts(&facts)?;
    if let Some(out) = work.out {
        std::fs::create_dir_all(out)
            .map_err(|source| FileError::new("create the folder", out, source))?;
        remove_abandoned(out)?;
    }
    let mut policy = open_policy(&work.models, &facts, &prompts, work.policy)?;
    let server = Watched::new(work.server);
    let mut writing = Writing {
        server: &server,
        out: work.out,
        strategy: work.settings.search.strategy,
        observer,
        failed: None,
    };
    let rollouts = run_rollouts(
        &mut *policy,
        &server,
        work.tasks,
        work.settings,
        &mut writing,
    );
    // Where it ended early, too.
    if let Some(told) = policy.server_calls().told() {
        tell(told.clone(), &told);
    }
    if let Some(error) = writing.failed {
        return Err(error.into());
    }
    let rollouts = rollouts?;
    // Told to stop, it is not known what the calls that were not made would have come to.
    match rollouts.len() < work.tasks.len() {
        true => server.check()?,
        false => server.check_all()?,
    }
    Ok(rollouts)
}

/// Writes answer files, and tells another observer.
struct Writing<'o> {
    server: &'o Watched<'o>,
    out: Option<&'o Path>,
    strategy: Strategy,
    observer: &'o mut dyn RolloutObserver,
    /// Why no more is written.
    failed: Option<FileError>,
}

impl Writing<'_> {
    fn write(&self, rollout: &Rollout) -> Result<(), FileError> {
        let Some(out) = self.out else {
            return Ok(());
        };
        let path = out.join(rollout.file_name(self.strategy));
        let failed = |error: serde_json::Error| FileError::new("write", &path, error.into());
        let text = rollout.file_text().map_err(failed)?;
        write_atomically(&path, |file| std::io::Write::write_all(file, &text))
    }
}

impl RolloutObserver for Writing<'_> {
    fn stepped(&mut self, task: usize, step: &PathStep) {
        self.observer.stepped(task, step);
    }

    fn finished(&mut self, task: usize, rollout: &Rollout) -> ControlFlow<()> {
        if let Err(error) = self.write(rollout) {
            self.failed.get_or_insert(error);
            return ControlFlow::Break(());
        }
        self.observer.finished(task, rollout)
    }

    fn round(&mut self) -> ControlFlow<()> {
        if self.server.check().is_err() {
            return ControlFlow::Break(());
        }
        self.observer.round()
    }
}
