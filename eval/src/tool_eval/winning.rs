//! Which of two rollouts of a task is the better one.

use glpft_agent::Task;
use serde::{Deserialize, Serialize};

use super::coin::{Toss, heads};
use super::passing::Passing;
use super::settings::ToolEvalSettings;
use crate::judge::{Better, Judge, JudgeError};
use crate::rollout::RolloutRecord;

/// How a rollout compares with the reference's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WinVerdict {
    /// ToolEval's: who passes alone wins, else who the judge prefers.
    pub outcome: Outcome,
    /// StableToolBench's: who alone has solved it wins, else who the judge prefers. Absent for tasks that are known to be
    /// impossible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solvable: Option<Outcome>,
    /// Whether the reference's rollout passes.
    pub reference_passed: bool,
    /// Rounds in which the judge preferred this rollout, and the reference's; both 0 where it was not asked.
    pub preferred: [usize; 2],
    /// Why, as the first round has it; empty where the judge was not asked.
    #[serde(default)]
    pub reason: String,
}

/// Who wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// This rollout.
    Win,
    /// Neither.
    Tie,
    /// The reference's.
    Loss,
}

impl Outcome {
    /// What it counts in a win rate.
    pub fn score(self) -> f64 {
        match self {
            Outcome::Win => 1.0,
            Outcome::Tie => 0.5,
            Outcome::Loss => 0.0,
        }
    }

    /// Who wins where exactly one of them has something.
    fn of_one(this: bool, reference: bool) -> Option<Self> {
        match (this, reference) {
            (true, false) => Some(Outcome::Win),
            (false, true) => Some(Outcome::Loss),
            _ => None,
        }
    }
}

/// Compares a rollout of `task` with the reference's. Where the judge is asked, it is shown the two in an order that they
/// themselves and a coin decide in each round, so that run and reference may be swapped: the same is asked then. Two that are
/// the same tie.
///
/// # Errors
/// Where the judge has none.
pub fn judge_winning(
    judge: &dyn Judge,
    task: &Task,
    this: (&RolloutRecord, &Passing),
    reference: (&RolloutRecord, &Passing),
    settings: &ToolEvalSettings,
) -> Result<WinVerdict, JudgeError> {
    let (passing, other) = (this.1, reference.1);
    let by_pass = Outcome::of_one(passing.passed, other.passed);
    let by_solving = Outcome::of_one(passing.solved(), other.solved());
    let solvable = !passing.known_unsolvable;
    let mut preferred = [0, 0];
    let mut reason = String::new();
    let mut judged = Outcome::Tie;
    if by_pass.is_none() || solvable && by_solving.is_none() {
        (preferred, reason) = prefer(judge, task, this.0, reference.0, settings)?;
        judged = match preferred[0].cmp(&preferred[1]) {
            std::cmp::Ordering::Greater => Outcome::Win,
            std::cmp::Ordering::Less => Outcome::Loss,
            std::cmp::Ordering::Equal => Outcome::Tie,
        };
    }
    Ok(WinVerdict {
        outcome: by_pass.unwrap_or(judged),
        solvable: solvable.then(|| by_solving.unwrap_or(judged)),
        reference_passed: other.passed,
        preferred,
        reason,
    })
}

/// In how many rounds either is preferred, and the first round's reason.
fn prefer(
    judge: &dyn Judge,
    task: &Task,
    this: &RolloutRecord,
    reference: &RolloutRecord,
    settings: &ToolEvalSettings,
) -> Result<([usize; 2], String), JudgeError> {
    let mut preferred = [0, 0];
    let mut reason = String::new();
    let [of_this, of_reference] = [this, reference].map(shown);
    if of_this == of_reference {
        return Ok((preferred, "both are the same".to_owned()));
    }
    for round in 0..settings.rounds.min(judge.rounds()).max(1) {
        let tossed = heads(settings.seed, &task.id, Toss::Order, round);
        let swapped = tossed != (of_this > of_reference);
        let shown = match swapped {
            true => [reference, this],
            false => [this, reference],
        };
        let judgment = judge.select_better_answer(task, shown, round)?;
        let better = match swapped {
            true => judgment.said.swapped(),
            false => judgment.said,
        };
        match better {
            Better::First => preferred[0] += 1,
            Better::Second => preferred[1] += 1,
            Better::Neither => {}
        }
        if round == 0 {
            reason = judgment.reason;
        }
    }
    Ok((preferred, reason))
}

/// All of a rollout that a judge is shown.
fn shown(rollout: &RolloutRecord) -> String {
    let steps = rollout.path.iter().map(|step| {
        let thought = step.thought.as_deref();
        format!(
            "{:?}",
            (
                thought,
                &step.function,
                &step.arguments,
                &step.observation,
                step.code
            )
        )
    });
    let steps: String = steps.collect();
    format!(
        "{:?} {:?} {} {steps}",
        rollout.end, rollout.answer, rollout.query_count
    )
}
