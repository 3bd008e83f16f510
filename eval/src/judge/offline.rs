//! The judge of tasks whose truth is known.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use glpft_agent::Task;
use glpft_world::{GoldCall, Truth, facts_in};
use serde_json::Value;

use super::error::JudgeError;
use super::facts::Facts;
use super::numbers::{numbers, unescaped};
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::{Judge, RolloutRecord};
use crate::rollout::{End, StepOfPath};

/// The name of the offline judge: its scores are no ToolEval scores, and everything that shows them says so.
pub const OFFLINE: &str = "offline";

/// Judges by the truth about tasks, and asks nobody.
///
/// A task is solved where its answer states every fact that a right answer holds, each of which was there to be read on
/// the path, and no number that was not: a right guess is not solved, nor is an answer that lists all it can think of. By
/// an answer alone (`check_answer_status`) it can therefore only be unsure, or see that facts are missing. A fact that no
/// reply spells out, such as that nothing was found, is there where the calls that show it were made and replied to.
#[derive(Clone, Debug)]
pub struct OfflineJudge<F>(F);

impl<F: Facts> OfflineJudge<F> {
    /// A judge that knows these facts.
    pub fn new(facts: F) -> Self {
        Self(facts)
    }

    fn truth(&self, task: &Task) -> Result<&Truth, JudgeError> {
        self.0
            .truth(&task.id)
            .ok_or_else(|| JudgeError::UnknownTask {
                task: task.id.clone(),
            })
    }
}

impl<F: Facts> Judge for OfflineJudge<F> {
    fn name(&self) -> String {
        OFFLINE.to_owned()
    }

    fn rounds(&self) -> usize {
        1
    }

    fn known_solvable(&self, task: &Task) -> Result<Option<bool>, JudgeError> {
        Ok(Some(self.truth(task)?.solvable))
    }

    fn check_task_solvable(
        &self,
        task: &Task,
        _: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        Ok(match self.truth(task)?.solvable {
            true => Judgment::new(TaskStatus::Solvable, "calls lead to the answer"),
            false => Judgment::new(TaskStatus::Unsolvable, "no call leads to an answer"),
        })
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        let truth = self.truth(task)?;
        Ok(match fault(truth, answer) {
            Some(fault) => Judgment::new(AnswerStatus::Unsolved, fault),
            None => Judgment::new(
                AnswerStatus::Unsure,
                "states the facts; whether they were read somewhere only the path tells",
            ),
        })
    }

    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        let truth = self.truth(task)?;
        let fault = fault(truth, rollout.answer())
            .or_else(|| unread(truth, rollout))
            .or_else(|| made_up(truth, rollout));
        Ok(match fault {
            Some(fault) => Judgment::new(AnswerStatus::Unsolved, fault),
            None => Judgment::new(
                AnswerStatus::Solved,
                "states the facts, as replies have them",
            ),
        })
    }

    /// More facts that were read are better, where nothing can be answered a give-up is; of equals fewer steps.
    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        _: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        let truth = self.truth(task)?;
        let [first, second] = rollouts.map(|rollout| {
            let right = match truth.solvable {
                true => facts_read(truth, rollout),
                false => usize::from(rollout.end == End::GiveUp),
            };
            (right, Reverse(rollout.query_count))
        });
        let told = |(right, Reverse(steps)): (usize, Reverse<usize>)| {
            format!("{right} facts in {steps} steps")
        };
        let reason = format!("{} against {}", told(first), told(second));
        let better = match first.cmp(&second) {
            Ordering::Greater => Better::First,
            Ordering::Less => Better::Second,
            Ordering::Equal => Better::Neither,
        };
        Ok(Judgment::new(better, reason))
    }
}

/// What an answer alone shows to be wrong.
fn fault(truth: &Truth, answer: &str) -> Option<String> {
    if !truth.solvable {
        return Some("nothing can be answered here".to_owned());
    }
    if answer.trim().is_empty() {
        return Some("there is no answer".to_owned());
    }
    if truth.slots.is_empty() {
        return Some("no fact is known that a right answer holds".to_owned());
    }
    let missing = facts_in(answer, truth).iter().position(|stated| !stated)?;
    Some(format!("does not state {}", truth.slots[missing].name))
}

/// A fact of the answer that stood nowhere on the path.
fn unread(truth: &Truth, rollout: &RolloutRecord) -> Option<String> {
    let unread = were_read(truth, rollout).iter().position(|read| !read)?;
    let name = &truth.slots[unread].name;
    Some(format!("states {name}, which nothing on its path shows"))
}

/// A number of the answer that neither the query nor a reply holds, nor a right answer would.
fn made_up(truth: &Truth, rollout: &RolloutRecord) -> Option<String> {
    let slots = truth.slots.iter().flat_map(|slot| &slot.accepted).cloned();
    let texts = replies(rollout).chain([rollout.query.clone()]).chain(slots);
    let known: BTreeSet<String> = texts
        .flat_map(|text| [numbers(&text, false), numbers(&text, true)])
        .flatten()
        .collect();
    // In one of the two readings every number has to be known.
    let unknown = |grouped| {
        numbers(rollout.answer(), grouped)
            .difference(&known)
            .next()
            .cloned()
    };
    let number = unknown(false)?;
    unknown(true)?;
    Some(format!(
        "states {number}, which neither the query nor a reply holds"
    ))
}

/// How many facts an answer states that its path shows.
fn facts_read(truth: &Truth, rollout: &RolloutRecord) -> usize {
    let stated = facts_in(rollout.answer(), truth);
    let read = were_read(truth, rollout);
    stated
        .iter()
        .zip(&read)
        .filter(|&(stated, read)| *stated && *read)
        .count()
}

/// Of each fact, whether a reply states it, or the calls that show it were made.
fn were_read(truth: &Truth, rollout: &RolloutRecord) -> Vec<bool> {
    let asked = !truth.calls.is_empty()
        && truth.calls.iter().all(|call| {
            let mut steps = rollout.path.iter();
            steps.any(|step| step.replied() && is_call(step, call))
        });
    let mut read = vec![asked; truth.slots.len()];
    for reply in replies(rollout) {
        for (read, stated) in read.iter_mut().zip(facts_in(&reply, truth)) {
            *read |= stated;
        }
    }
    read
}

/// What was replied on a path; what the agent itself wrote is no reply, nor what an error says again of it.
fn replies(rollout: &RolloutRecord) -> impl Iterator<Item = String> {
    let calls = rollout.path.iter().filter(|step| step.replied());
    calls.map(|step| unescaped(&step.observation))
}

/// Whether a step is a call with these arguments, and perhaps more of them, as a form would take them: `"3"` is `3`.
fn is_call(step: &StepOfPath, call: &GoldCall) -> bool {
    let arguments: Option<Value> = serde_json::from_str(&step.arguments).ok();
    let text = |value: &Value| match value {
        Value::String(text) => text.trim().to_lowercase(),
        other => other.to_string(),
    };
    step.function == call.function
        && call.arguments.iter().all(|(name, gold)| {
            let given = arguments.as_ref().and_then(|all| all.get(name));
            given.is_some_and(|given| text(given) == text(gold))
        })
}

#[cfg(test)]
mod tests;
