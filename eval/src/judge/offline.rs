//! The judge of tasks whose truth is known.

use std::cmp::Reverse;

use glpft_agent::{FINISH, Task};
use glpft_world::{GoldCall, Slot, Truth};
use serde_json::Value;

use super::error::JudgeError;
use super::facts::Facts;
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::words::Words;
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
            std::cmp::Ordering::Greater => Better::First,
            std::cmp::Ordering::Less => Better::Second,
            std::cmp::Ordering::Equal => Better::Neither,
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
    let missing = truth.slots.iter().find(|slot| !states(answer, slot))?;
    Some(format!("does not state {}", missing.name))
}

/// A fact of the answer that stood nowhere on the path.
fn unread(truth: &Truth, rollout: &RolloutRecord) -> Option<String> {
    let unread = truth
        .slots
        .iter()
        .find(|slot| !was_read(truth, slot, rollout))?;
    Some(format!(
        "states {}, which nothing on its path shows",
        unread.name
    ))
}

/// A number of the answer that neither the query nor a reply holds, nor a right answer would.
fn made_up(truth: &Truth, rollout: &RolloutRecord) -> Option<String> {
    let slots = truth.slots.iter().flat_map(|slot| &slot.accepted);
    let known: Vec<Words> = replies(rollout)
        .map(|step| step.observation.as_str())
        .chain([rollout.query.as_str()])
        .chain(slots.map(String::as_str))
        .flat_map(both)
        .collect();
    let answer = rollout.answer();
    // In one of the two readings every number has to be known.
    let [plain, grouped] = both(answer);
    let number = plain.number_unknown_to(&known)?;
    grouped.number_unknown_to(&known)?;
    Some(format!(
        "states {number}, which neither the query nor a reply holds"
    ))
}

/// How many facts an answer states that its path shows.
fn facts_read(truth: &Truth, rollout: &RolloutRecord) -> usize {
    let slots = truth.slots.iter();
    slots
        .filter(|slot| states(rollout.answer(), slot) && was_read(truth, slot, rollout))
        .count()
}

/// Both readings of a text's numbers.
fn both(text: &str) -> [Words; 2] {
    [Words::of(text), Words::of_grouped(text)]
}

fn states(text: &str, slot: &Slot) -> bool {
    let texts = both(text);
    slot.accepted.iter().any(|accepted| {
        let accepted = both(accepted);
        let mut pairs = texts.iter().zip(&accepted);
        pairs.any(|(text, accepted)| text.hold(accepted))
    })
}

fn was_read(truth: &Truth, slot: &Slot, rollout: &RolloutRecord) -> bool {
    replies(rollout).any(|step| states(&step.observation, slot))
        || !truth.calls.is_empty()
            && truth
                .calls
                .iter()
                .all(|call| replies(rollout).any(|step| step.replied() && is_call(step, call)))
}

/// The steps of a path to which something was replied that is no answer of this agent's own.
fn replies(rollout: &RolloutRecord) -> impl Iterator<Item = &StepOfPath> {
    rollout.path.iter().filter(|step| step.function != FINISH)
}

fn is_call(step: &StepOfPath, call: &GoldCall) -> bool {
    let arguments: Option<Value> = serde_json::from_str(&step.arguments).ok();
    let words = |value: &Value| match value {
        Value::String(text) => Words::of(text),
        other => Words::of(&other.to_string()),
    };
    step.function == call.function
        && call.arguments.iter().all(|(name, gold)| {
            let given = arguments.as_ref().and_then(|all| all.get(name));
            given.is_some_and(|given| words(given) == words(gold))
        })
}

#[cfg(test)]
mod tests;
