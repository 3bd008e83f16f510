//! Whether a rollout passes.

use glpft_agent::Task;
use serde::{Deserialize, Serialize};

use super::coin::{Toss, heads};
use super::settings::ToolEvalSettings;
use crate::judge::{AnswerStatus, Judge, JudgeError, TaskStatus};
use crate::rollout::{End, RolloutRecord};

/// Whether a rollout passes, and what was said in each round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passing {
    /// What counts: what most rounds say.
    pub passed: bool,
    /// Whether it is known, not judged, that the task cannot be done.
    #[serde(default)]
    pub known_unsolvable: bool,
    /// Of each round, whether it passes.
    pub rounds: Vec<bool>,
    /// Of each round, whether the answer does what was asked for.
    pub answers: Vec<AnswerStatus>,
    /// Why, as the first round has it.
    pub reason: String,
}

impl Passing {
    /// Whether most rounds find the answer solved; what a task's solvability may excuse does not count.
    pub fn solved(&self) -> bool {
        let scores: f64 = self.answers.iter().map(|answer| answer.score()).sum();
        2.0 * scores > self.answers.len() as f64
    }
}

/// One round.
struct Round {
    answer: AnswerStatus,
    passed: bool,
    reason: String,
}

/// Asks `judge` about a rollout of `task`, in as many rounds as the settings have and the judge is worth.
///
/// ToolEval's rules, in this order: without `Finish` as the last call it fails; where the judge finds it solved, it
/// passes; where the task cannot be done, it passes; where it is not solved and the task can be done, it fails; else a
/// coin decides. Of a task that is *known* to be impossible ([`Judge::known_solvable`]), only a give-up passes.
///
/// # Errors
/// Where the judge has none.
pub fn judge_passing(
    judge: &dyn Judge,
    task: &Task,
    rollout: &RolloutRecord,
    settings: &ToolEvalSettings,
) -> Result<Passing, JudgeError> {
    let known = judge.known_solvable(task)?;
    let rounds = settings.rounds.min(judge.rounds()).max(1);
    let mut all = Vec::with_capacity(rounds);
    for round in 0..rounds {
        all.push(judge_round(
            judge,
            task,
            rollout,
            known,
            settings.seed,
            round,
        )?);
    }
    let votes = all.iter().filter(|round| round.passed).count();
    let passed = match (2 * votes).cmp(&rounds) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => heads(settings.seed, &task.id, Toss::Majority, 0),
    };
    Ok(Passing {
        passed,
        known_unsolvable: known == Some(false),
        rounds: all.iter().map(|round| round.passed).collect(),
        answers: all.iter().map(|round| round.answer).collect(),
        reason: all.swap_remove(0).reason,
    })
}

fn judge_round(
    judge: &dyn Judge,
    task: &Task,
    rollout: &RolloutRecord,
    known: Option<bool>,
    seed: u64,
    round: usize,
) -> Result<Round, JudgeError> {
    let of = |answer, passed, reason: &str| {
        Ok(Round {
            answer,
            passed,
            reason: reason.to_owned(),
        })
    };
    let unsolved = AnswerStatus::Unsolved;
    match (rollout.end, known) {
        (End::Nothing, _) => return of(unsolved, false, "it ended without Finish"),
        (End::GiveUp, Some(false)) => {
            return of(unsolved, true, "gave up, and nothing could be done");
        }
        (End::GiveUp, Some(true)) => return of(unsolved, false, "gave up, and could have done it"),
        (End::Answer, Some(false)) => {
            return of(unsolved, false, "answers what cannot be answered");
        }
        _ => {}
    }
    let (answer, reason) = judge_answer(judge, task, rollout, round)?;
    if answer == AnswerStatus::Solved {
        return of(answer, true, &reason);
    }
    let solvable = match known {
        Some(_) => TaskStatus::Solvable,
        None => judge.check_task_solvable(task, round)?.said,
    };
    match (answer, solvable) {
        (_, TaskStatus::Unsolvable) => of(answer, true, "the task cannot be done"),
        (AnswerStatus::Unsolved, TaskStatus::Solvable) => of(answer, false, &reason),
        _ => of(answer, heads(seed, &task.id, Toss::Round, round), &reason),
    }
}

/// What the answer is worth: by itself, and where that cannot be told, by the whole path.
fn judge_answer(
    judge: &dyn Judge,
    task: &Task,
    rollout: &RolloutRecord,
    round: usize,
) -> Result<(AnswerStatus, String), JudgeError> {
    if rollout.answer().trim().is_empty() {
        return Ok((AnswerStatus::Unsolved, "there is no answer".to_owned()));
    }
    let mut judgment = judge.check_answer_status(task, rollout.answer(), round)?;
    if judgment.said == AnswerStatus::Unsure {
        judgment = judge.parse_answer_status(task, rollout, round)?;
    }
    Ok((judgment.said, judgment.reason))
}
