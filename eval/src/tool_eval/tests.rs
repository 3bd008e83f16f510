#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod passing;
mod rates;
mod winning;

use std::sync::atomic::{AtomicUsize, Ordering};

use glpft_agent::Task;

use super::*;
use crate::judge::{AnswerStatus, Better, Judge, JudgeError, Judgment, TaskStatus};
use crate::rollout::{End, RolloutRecord, Usage};
use AnswerStatus::{Solved, Unsolved, Unsure};
use TaskStatus::{Solvable, Unsolvable};

/// Says what it is told to in each round, the last of each for later rounds.
struct Scripted {
    solvable: Vec<TaskStatus>,
    check: Vec<AnswerStatus>,
    parse: Vec<AnswerStatus>,
    /// Whether it prefers the rollout with the most steps.
    prefers_longer: bool,
    known: Option<bool>,
    rounds: usize,
    compared: AtomicUsize,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            solvable: vec![Solvable],
            check: vec![Unsolved],
            parse: vec![Unsolved],
            prefers_longer: true,
            known: None,
            rounds: usize::MAX,
            compared: AtomicUsize::new(0),
        }
    }
}

fn at<T: Copy>(script: &[T], round: usize) -> Result<Judgment<T>, JudgeError> {
    let said = script[round.min(script.len() - 1)];
    Ok(Judgment::new(said, format!("round {round}")))
}

impl Judge for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn rounds(&self) -> usize {
        self.rounds
    }

    fn known_solvable(&self, _: &Task) -> Result<Option<bool>, JudgeError> {
        Ok(self.known)
    }

    fn check_task_solvable(
        &self,
        _: &Task,
        round: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        at(&self.solvable, round)
    }

    fn check_answer_status(
        &self,
        task: &Task,
        _: &str,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        if task.id == "fails" {
            return Err(JudgeError::UnknownTask {
                task: task.id.clone(),
            });
        }
        at(&self.check, round)
    }

    fn parse_answer_status(
        &self,
        _: &Task,
        _: &RolloutRecord,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        at(&self.parse, round)
    }

    fn select_better_answer(
        &self,
        _: &Task,
        rollouts: [&RolloutRecord; 2],
        round: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        self.compared.fetch_add(1, Ordering::Relaxed);
        let [first, second] = rollouts.map(|rollout| rollout.query_count);
        let first = (first > second) == self.prefers_longer;
        at(&[if first { Better::First } else { Better::Second }], round)
    }
}

fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        query: "Which day is it?".to_owned(),
        functions: Vec::new(),
    }
}

fn rollout(id: &str, group: &str, end: End, query_count: usize) -> RolloutRecord {
    RolloutRecord {
        task: id.to_owned(),
        group: group.to_owned(),
        query: "Which day is it?".to_owned(),
        end,
        answer: (end == End::Answer).then(|| "Monday".to_owned()),
        path: Vec::new(),
        query_count,
        usage: Usage::default(),
        calls: glpft_agent::Calls::default(),
        answer_file: String::new(),
    }
}

fn passing(judge: &Scripted, end: End, rounds: usize) -> Passing {
    let settings = ToolEvalSettings {
        rounds,
        ..ToolEvalSettings::default()
    };
    let rollout = rollout("1", "G1_tool", end, 1);
    judge_passing(judge, &task("1"), &rollout, &settings).unwrap()
}

fn verdict(group: &str, answers: &[AnswerStatus], passed: bool, unsolvable: bool) -> TaskVerdict {
    TaskVerdict {
        task: String::new(),
        group: group.to_owned(),
        end: End::Answer,
        passing: Passing {
            passed,
            known_unsolvable: unsolvable,
            rounds: vec![passed; answers.len()],
            answers: answers.to_vec(),
            reason: String::new(),
        },
        against: None,
    }
}
