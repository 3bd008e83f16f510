//! Many tasks' rollouts judged at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use glpft_agent::Task;
use serde::{Deserialize, Serialize};

use super::passing::judge_passing;
use super::settings::ToolEvalSettings;
use super::verdict::TaskVerdict;
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

/// What the judge gave no judgment of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnjudgedTask {
    /// The task's id.
    pub task: String,
    /// Its test set.
    pub group: String,
    /// What is missing.
    pub part: UnjudgedPart,
    /// What the judge said.
    pub reason: String,
}

/// What is missing of a task's judgments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnjudgedPart {
    /// Whether it passes, and so everything: no rate counts it.
    Passing,
    /// The comparison with the reference: no win rate counts it.
    Comparison,
}

/// What was judged, in the rollouts' order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The verdicts of the tasks that have one.
    pub verdicts: Vec<TaskVerdict>,
    /// What the judge gave no judgment of.
    pub unjudged: Vec<UnjudgedTask>,
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

/// Judges every rollout, several at once; verdicts in the rollouts' order, whatever was judged first. A task of which the
/// judge gives no judgment ([`JudgeError::Unjudged`]) is told, and the others are judged. [`Interrupted`] where `stop` was
/// set from outside before all were judged.
///
/// # Errors
/// Any other of the judge. What is under way is still judged, nothing new is begun.
pub fn judge_rollouts(
    judge: &dyn Judge,
    rollouts: &[ToJudge<'_>],
    settings: &ToolEvalSettings,
    stop: &AtomicBool,
    observer: &mut dyn JudgingObserver,
) -> Result<Result<Judged, Interrupted>, JudgeError> {
    let workers = settings.parallel.clamp(1, rollouts.len().max(1));
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut all: Vec<Option<One>> = rollouts.iter().map(|_| None).collect();
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
                    all[index] = Some(verdict);
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
    let done = all.iter().flatten().count();
    let all: Option<Vec<One>> = all.into_iter().collect();
    Ok(all.ok_or(Interrupted(done)).map(|all| {
        let mut judged = Judged::default();
        for (verdict, unjudged) in all {
            judged.verdicts.extend(verdict);
            judged.unjudged.extend(unjudged);
        }
        judged
    }))
}

/// What became of one task: its verdict, and what is missing.
type One = (Option<TaskVerdict>, Option<UnjudgedTask>);

fn judge_one(
    judge: &dyn Judge,
    one: &ToJudge<'_>,
    settings: &ToolEvalSettings,
) -> Result<One, JudgeError> {
    let ToJudge {
        task,
        rollout,
        reference,
    } = *one;
    let without = |part: UnjudgedPart, reason: String| UnjudgedTask {
        task: task.id.clone(),
        group: rollout.group.clone(),
        part,
        reason,
    };
    let passing = match judge_passing(judge, task, rollout, settings) {
        Err(JudgeError::Unjudged { reason, .. }) => {
            return Ok((None, Some(without(UnjudgedPart::Passing, reason))));
        }
        passing => passing?,
    };
    let compared = reference.map(|reference| {
        let other = judge_passing(judge, task, reference, settings)?;
        let (this, other) = ((rollout, &passing), (reference, &other));
        judge_winning(judge, task, this, other, settings)
    });
    let (against, unjudged) = match compared.transpose() {
        Err(JudgeError::Unjudged { reason, .. }) => {
            (None, Some(without(UnjudgedPart::Comparison, reason)))
        }
        against => (against?, None),
    };
    let verdict = TaskVerdict {
        task: task.id.clone(),
        group: rollout.group.clone(),
        end: rollout.end,
        passing,
        against,
    };
    Ok((Some(verdict), unjudged))
}
