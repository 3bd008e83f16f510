//! Many tasks' rollouts judged at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use glpft_agent::Task;

use super::passing::{TaskVerdict, judge_passing};
use super::settings::ToolEvalSettings;
use super::winning::judge_winning;
use crate::judge::{Judge, JudgeError};
use crate::rollout::RolloutRecord;

/// A rollout to be judged.
#[derive(Clone, Copy, Debug)]
pub struct ToJudge<'a> {
    /// What was to be done.
    pub task: &'a Task,
    /// What was done.
    pub rollout: &'a RolloutRecord,
    /// What it is compared with.
    pub reference: Option<&'a RolloutRecord>,
}

/// Is told how judging goes.
pub trait JudgingObserver {
    /// So many of so many tasks are judged.
    fn judged(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Tells nobody.
impl JudgingObserver for () {}

/// It was told to stop after so many tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted(pub usize);

/// Judges every rollout, several at once; verdicts in the rollouts' order, whatever was judged first. [`Interrupted`]
/// where `stop` was set from outside before all were judged.
///
/// # Errors
/// Where the judge has none. What is under way is still judged, nothing new is begun.
pub fn judge_rollouts(
    judge: &dyn Judge,
    rollouts: &[ToJudge<'_>],
    settings: &ToolEvalSettings,
    stop: &AtomicBool,
    observer: &mut dyn JudgingObserver,
) -> Result<Result<Vec<TaskVerdict>, Interrupted>, JudgeError> {
    let workers = settings.parallel.clamp(1, rollouts.len().max(1));
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut verdicts: Vec<Option<TaskVerdict>> = vec![None; rollouts.len()];
    let mut first_error: Option<(usize, JudgeError)> = None;
    thread::scope(|scope| {
        let (told, verdict_of) = mpsc::channel();
        for _ in 0..workers {
            let (told, next, failed) = (told.clone(), &next, &failed);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rollout) = rollouts.get(index) else {
                        return;
                    };
                    let verdict = judge_one(judge, rollout, settings);
                    if verdict.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    if told.send((index, verdict)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(told);
        let mut done = 0;
        for (index, verdict) in verdict_of {
            match verdict {
                Ok(verdict) => {
                    verdicts[index] = Some(verdict);
                    done += 1;
                    observer.judged(done, rollouts.len());
                }
                // Which of several errors is told does not depend on threads' order as far as they are all known.
                Err(error) => {
                    if first_error.as_ref().is_none_or(|(first, _)| index < *first) {
                        first_error = Some((index, error));
                    }
                }
            }
        }
    });
    if let Some((_, error)) = first_error {
        return Err(error);
    }
    let done = verdicts.iter().flatten().count();
    let all: Option<Vec<TaskVerdict>> = verdicts.into_iter().collect();
    Ok(all.ok_or(Interrupted(done)))
}

fn judge_one(
    judge: &dyn Judge,
    one: &ToJudge<'_>,
    settings: &ToolEvalSettings,
) -> Result<TaskVerdict, JudgeError> {
    let ToJudge {
        task,
        rollout,
        reference,
    } = *one;
    let passing = judge_passing(judge, task, rollout, settings)?;
    let against = match reference {
        None => None,
        Some(reference) => {
            let other = judge_passing(judge, task, reference, settings)?;
            let (this, other) = ((rollout, &passing), (reference, &other));
            Some(judge_winning(judge, task, this, other, settings)?)
        }
    };
    Ok(TaskVerdict {
        task: task.id.clone(),
        group: rollout.group.clone(),
        end: rollout.end,
        passing,
        against,
    })
}
