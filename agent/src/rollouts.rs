//! Many rollouts in step.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::generate::GenerateError;
use crate::policy::{Asked, Policy};
use crate::policy_message::PolicyMessage;
use crate::rollout::{PathStep, Rollout};
use crate::search::{Search, SearchSettings};
use crate::task::Task;
use crate::tool_server::ToolServer;

/// How tasks are worked on.
#[derive(Clone, Debug)]
pub struct RolloutSettings {
    /// How each is searched.
    pub search: SearchSettings,
    /// How many at a time. A model answers their steps together; what it says does not depend on it.
    pub together: usize,
}

impl RolloutSettings {
    /// Sixteen at a time.
    pub fn new(search: SearchSettings) -> Self {
        Self {
            search,
            together: 16,
        }
    }
}

/// Is told how rollouts go; every method does nothing by default.
pub trait RolloutObserver {
    /// The task with this index has another step.
    fn stepped(&mut self, task: usize, step: &PathStep) {
        let _ = (task, step);
    }

    /// The task with this index is done. After [`ControlFlow::Break`] nothing more is asked.
    fn finished(&mut self, task: usize, rollout: &Rollout) -> ControlFlow<()> {
        let _ = (task, rollout);
        ControlFlow::Continue(())
    }

    /// Another round begins; with [`ControlFlow::Break`] it does not.
    fn round(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Tells nobody.
impl RolloutObserver for () {}

/// Works on all tasks: asks the policy for the pending steps of up to [`RolloutSettings::together`] of them in one call,
/// then takes these steps, in parallel where the server is remote. The rollouts that were finished, in the tasks' order:
/// all, unless the observer ended it.
///
/// # Errors
/// Where the policy fails; the observer has seen what was finished before.
pub fn run_rollouts(
    policy: &mut dyn Policy,
    server: &dyn ToolServer,
    tasks: &[Task],
    settings: &RolloutSettings,
    observer: &mut dyn RolloutObserver,
) -> Result<Vec<Rollout>, GenerateError> {
    let mut waiting = tasks.iter().enumerate();
    let mut running: Vec<(usize, Search)> = Vec::new();
    let mut finished = BTreeMap::new();
    loop {
        let free = settings.together.max(1) - running.len();
        running.extend(
            (&mut waiting)
                .take(free)
                .map(|(index, task)| (index, Search::new(task.clone(), settings.search.clone()))),
        );
        if running.is_empty() || observer.round().is_break() {
            break;
        }
        let asked: Vec<Asked<'_>> = running
            .iter()
            .filter_map(|(_, search)| search.pending())
            .collect();
        let said = policy.say(&asked)?;
        if said.len() != asked.len() {
            return Err(GenerateError::Request {
                index: said.len().min(asked.len().saturating_sub(1)),
                reason: format!("{} of {} steps were said", said.len(), asked.len()),
            });
        }
        take_steps(&mut running, said, server, observer);
        let (over, open) = running
            .into_iter()
            .partition(|(_, search)| search.pending().is_none());
        running = open;
        let mut go_on = ControlFlow::Continue(());
        for (index, search) in over {
            let rollout = search.finish();
            if observer.finished(index, &rollout).is_break() {
                go_on = ControlFlow::Break(());
            }
            finished.insert(index, rollout);
        }
        if go_on.is_break() {
            break;
        }
    }
    Ok(finished.into_values().collect())
}

/// One step of each rollout that has one pending.
fn take_steps(
    running: &mut [(usize, Search)],
    said: Vec<PolicyMessage>,
    server: &dyn ToolServer,
    observer: &mut dyn RolloutObserver,
) {
    let pending = running
        .iter_mut()
        .filter(|(_, search)| search.pending().is_some())
        .zip(said);
    let steps: Vec<(usize, Option<PathStep>)> = if server.is_remote() {
        std::thread::scope(|scope| {
            let threads: Vec<_> = pending
                .map(|((index, search), said)| {
                    let index = *index;
                    let thread = scope.spawn(move || search.advance(said, server).cloned());
                    (index, thread)
                })
                .collect();
            threads
                .into_iter()
                .map(|(index, thread)| match thread.join() {
                    Ok(step) => (index, step),
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    } else {
        pending
            .map(|((index, search), said)| (*index, search.advance(said, server).cloned()))
            .collect()
    };
    for (index, step) in &steps {
        if let Some(step) = step {
            observer.stepped(*index, step);
        }
    }
}
