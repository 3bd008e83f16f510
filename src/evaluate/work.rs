//! Trained models at work, without a judge.

use std::path::Path;

use burn::tensor::Device;
use glpft_agent::{
    PolicySettings, Rollout, RolloutObserver, RolloutSettings, Task, ToolServer, run_rollouts,
};
use glpft_checkpoints::{FileError, write_atomically};
use glpft_data::Prompts;
use glpft_recipes::Precision;

use super::live::Trained;
use super::run_facts;
use crate::error::Error;
use crate::team::{Team, TeamSource};

/// Who works on what.
pub struct Work<'a> {
    /// The models.
    pub team: &'a TeamSource,
    /// What is to be done.
    pub tasks: &'a [Task],
    /// Who replies to calls.
    pub server: &'a dyn ToolServer,
    /// A file of prompt templates; default: the run's, or the built-in ones.
    pub prompts: Option<&'a Path>,
    /// How models are asked.
    pub policy: PolicySettings,
    /// How tasks are searched.
    pub settings: &'a RolloutSettings,
    /// The folder that gets an answer file of each rollout; none without.
    pub out: Option<&'a Path>,
    /// What computes.
    pub device: &'a Device,
    /// The precision of the layers' products.
    pub precision: Precision,
}

/// Works on the tasks and writes their answer files; the rollouts in the tasks' order, as far as the observer let it go.
///
/// # Errors
/// The models cannot be used, or a file cannot be written.
pub fn work(work: &Work<'_>, observer: &mut dyn RolloutObserver) -> Result<Vec<Rollout>, Error> {
    let facts = run_facts(work.team)?;
    let prompts = Prompts::open(work.prompts.or(facts.prompts.as_deref()))?;
    let team = Team::open(work.team, work.device, work.precision)?;
    let mut policy = Trained::new(team, facts.answerer, prompts, work.policy);
    let rollouts = run_rollouts(
        &mut policy,
        work.server,
        work.tasks,
        work.settings,
        observer,
    )?;
    if let Some(out) = work.out {
        std::fs::create_dir_all(out)
            .map_err(|source| FileError::new("create the folder", out, source))?;
        for rollout in &rollouts {
            let path = out.join(rollout.file_name(work.settings.search.strategy));
            let failed = |error: serde_json::Error| FileError::new("write", &path, error.into());
            let text = rollout.file_text().map_err(failed)?;
            write_atomically(&path, |file| std::io::Write::write_all(file, &text))?;
        }
    }
    Ok(rollouts)
}
