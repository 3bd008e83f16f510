#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

#[test]
fn every_rule_of_passing_in_one_round() {
    let answer = End::Answer;
    for (end, check, parse, solvable, passed, what) in [
        (End::Nothing, Solved, Solved, Unsolvable, false, "no Finish"),
        (answer, Solved, Unsolved, Solvable, true, "solved at once"),
        (answer, Unsure, Solved, Solvable, true, "the path solves it"),
        (
            answer,
            Unsolved,
            Solved,
            Solvable,
            false,
            "the path is not asked",
        ),
        (answer, Unsure, Unsolved, Solvable, false, "nor by its path"),
        (
            answer,
            Unsolved,
            Unsolved,
            Unsolvable,
            true,
            "cannot be done",
        ),
        (
            answer,
            Unsure,
            Unsure,
            Unsolvable,
            true,
            "unsure, cannot be done",
        ),
        (
            End::GiveUp,
            Solved,
            Solved,
            Solvable,
            false,
            "no answer to judge",
        ),
        (
            End::GiveUp,
            Unsolved,
            Unsolved,
            Unsolvable,
            true,
            "rightly given up",
        ),
    ] {
        let judge = Scripted {
            check: vec![check],
            parse: vec![parse],
            solvable: vec![solvable],
            ..Scripted::default()
        };
        assert_eq!(passing(&judge, end, 1).passed, passed, "{what}");
    }
}

#[test]
fn an_empty_answer_is_none() {
    let judge = Scripted {
        check: vec![Solved],
        ..Scripted::default()
    };
    let mut empty = rollout("1", "G1_tool", End::Answer, 1);
    empty.answer = Some(" \n".to_owned());
    let settings = ToolEvalSettings::default();
    let passing = judge_passing(&judge, &task("1"), &empty, &settings).unwrap();
    assert!(!passing.passed);
    assert_eq!(passing.reason, "there is no answer");
}

#[test]
fn where_a_judge_is_not_sure_a_coin_decides() {
    for (check, parse, solvable) in [
        (Unsure, Unsure, Solvable),
        (Unsure, Unsure, TaskStatus::Unsure),
        (Unsolved, Unsolved, TaskStatus::Unsure),
    ] {
        let judge = Scripted {
            check: vec![check],
            parse: vec![parse],
            solvable: vec![solvable],
            ..Scripted::default()
        };
        let settings = ToolEvalSettings {
            rounds: 1,
            ..ToolEvalSettings::default()
        };
        let tossed = |id: usize, seed| {
            let (task, settings) = (task(&id.to_string()), ToolEvalSettings { seed, ..settings });
            let rollout = rollout(&task.id, "G1_tool", End::Answer, 1);
            judge_passing(&judge, &task, &rollout, &settings)
                .unwrap()
                .passed
        };
        let heads = (0..400).filter(|&id| tossed(id, 0)).count();
        assert!((160..=240).contains(&heads), "{heads}");
        // Another seed, other coins; the same seed, the same.
        assert!((0..400).any(|id| tossed(id, 0) != tossed(id, 1)));
        assert!((0..400).all(|id| tossed(id, 1) == tossed(id, 1)));
    }
}

#[test]
fn the_majority_of_rounds_counts() {
    let judge = |check: &[AnswerStatus]| Scripted {
        check: check.to_vec(),
        ..Scripted::default()
    };
    let found = passing(
        &judge(&[Solved, Unsolved, Unsolved, Solved, Unsolved]),
        End::Answer,
        5,
    );
    assert_eq!(found.rounds, [true, false, false, true, false]);
    assert!(!found.passed && !found.solved());
    let found = passing(&judge(&[Solved, Unsolved, Solved]), End::Answer, 7);
    assert_eq!(found.rounds.len(), 7);
    assert!(found.passed && found.solved());
    // As many as not: a coin, which is not always the same.
    let tied = judge(&[Solved, Unsolved]);
    let settings = ToolEvalSettings {
        rounds: 2,
        ..ToolEvalSettings::default()
    };
    let passed = (0..200)
        .filter(|id| {
            let task = task(&id.to_string());
            let rollout = rollout(&task.id, "G1_tool", End::Answer, 1);
            judge_passing(&tied, &task, &rollout, &settings)
                .unwrap()
                .passed
        })
        .count();
    assert!((70..=130).contains(&passed), "{passed}");
    // A judge that says the same every time is asked once.
    let once = Scripted {
        rounds: 1,
        ..Scripted::default()
    };
    assert_eq!(passing(&once, End::Answer, 7).rounds.len(), 1);
}

#[test]
fn of_what_is_known_to_be_impossible_only_a_give_up_passes() {
    for (known, end, passed) in [
        (false, End::GiveUp, true),
        (false, End::Answer, false),
        (false, End::Nothing, false),
        (true, End::GiveUp, false),
        (true, End::Answer, true),
    ] {
        let judge = Scripted {
            known: Some(known),
            check: vec![Solved],
            solvable: vec![Unsolvable],
            ..Scripted::default()
        };
        let found = passing(&judge, end, 3);
        assert_eq!(found.passed, passed, "{known} {end:?}");
        assert_eq!(found.known_unsolvable, !known);
    }
}

#[test]
fn who_passes_alone_wins_and_else_who_is_preferred() {
    let settings = ToolEvalSettings::default();
    let passing = |passed: bool, solved: bool| Passing {
        passed,
        known_unsolvable: false,
        rounds: vec![passed; 7],
        answers: vec![if solved { Solved } else { Unsolved }; 7],
        reason: String::new(),
    };
    let (long, short) = (
        rollout("1", "G1_tool", End::Answer, 9),
        rollout("1", "G1_tool", End::Answer, 3),
    );
    let (yes, no) = (passing(true, true), passing(false, false));
    for (this, other, outcome, asked) in [
        ((&short, &yes), (&long, &no), Outcome::Win, 0),
        ((&long, &no), (&short, &yes), Outcome::Loss, 0),
        ((&long, &yes), (&short, &yes), Outcome::Win, 7),
        ((&short, &no), (&long, &no), Outcome::Loss, 7),
    ] {
        let judge = Scripted::default();
        let found = judge_winning(&judge, &task("1"), this, other, &settings).unwrap();
        assert_eq!(found.outcome, outcome);
        assert_eq!(found.solvable, Some(outcome));
        assert_eq!(judge.compared.load(Ordering::Relaxed), asked);
        assert_eq!(found.preferred.iter().sum::<usize>(), asked);
    }
    // Passed by chance or by an unsolvable task, but not solved: the solvable win rate asks the judge.
    let judge = Scripted::default();
    let lucky = passing(true, false);
    let found = judge_winning(
        &judge,
        &task("1"),
        (&short, &lucky),
        (&long, &no),
        &settings,
    );
    let found = found.unwrap();
    assert_eq!(
        (found.outcome, found.solvable),
        (Outcome::Win, Some(Outcome::Loss))
    );
    // What is known to be impossible is in no solvable rate.
    let impossible = Passing {
        known_unsolvable: true,
        ..lucky
    };
    let found = judge_winning(
        &judge,
        &task("1"),
        (&short, &impossible),
        (&long, &no),
        &settings,
    );
    assert_eq!(found.unwrap().solvable, None);
}

#[test]
fn a_judge_that_prefers_what_it_is_shown_first_prefers_nothing() {
    struct First;
    impl Judge for First {
        fn name(&self) -> String {
            String::new()
        }
        fn check_task_solvable(
            &self,
            _: &Task,
            _: usize,
        ) -> Result<Judgment<TaskStatus>, JudgeError> {
            at(&[Solvable], 0)
        }
        fn check_answer_status(
            &self,
            _: &Task,
            _: &str,
            _: usize,
        ) -> Result<Judgment<AnswerStatus>, JudgeError> {
            at(&[Solved], 0)
        }
        fn parse_answer_status(
            &self,
            _: &Task,
            _: &RolloutRecord,
            _: usize,
        ) -> Result<Judgment<AnswerStatus>, JudgeError> {
            at(&[Solved], 0)
        }
        fn select_better_answer(
            &self,
            _: &Task,
            _: [&RolloutRecord; 2],
            _: usize,
        ) -> Result<Judgment<Better>, JudgeError> {
            at(&[Better::First], 0)
        }
    }
    let settings = ToolEvalSettings {
        rounds: 1,
        ..ToolEvalSettings::default()
    };
    let wins = (0..400)
        .filter(|id| {
            let task = task(&id.to_string());
            let rollout = rollout(&task.id, "G1_tool", End::Answer, 1);
            let passing = judge_passing(&First, &task, &rollout, &settings).unwrap();
            let one = (&rollout, &passing);
            let found = judge_winning(&First, &task, one, one, &settings).unwrap();
            found.outcome == Outcome::Win
        })
        .count();
    assert!((160..=240).contains(&wins), "{wins}");
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

#[test]
fn rates_are_means_by_test_set_and_their_mean() {
    let mut verdicts = vec![
        verdict("G2_category", &[Solved, Unsure], true, false),
        verdict("own", &[Unsolved, Unsolved], false, false),
        verdict("G1_instruction", &[Solved, Solved], true, false),
        verdict("G2_category", &[Unsolved, Unsolved], true, true),
        verdict("G2_category", &[Unsolved, Unsure], false, false),
        verdict("G2_category", &[Solved, Solved], true, false),
    ];
    let scores = ToolEvalScores::of(&verdicts, 0);
    let pass = scores.pass_rate.clone().unwrap();
    let told: Vec<(&str, usize, f64)> = pass
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.tasks, group.rate.rate))
        .collect();
    assert_eq!(
        told,
        [
            ("G1_instruction", 1, 1.0),
            ("G2_category", 4, 0.75),
            ("own", 1, 0.0)
        ]
    );
    assert!((pass.average.rate - 1.75 / 3.0).abs() < 1e-12);
    let [low, high] = pass.groups[1].rate.interval.unwrap();
    assert!(low < 0.75 && 0.75 < high && high <= 1.0);
    assert_eq!(pass.groups[0].rate.interval, None);
    // Only one group can vary: a third of its interval's width.
    let [low, high] = pass.average.interval.unwrap();
    assert!(low < 1.75 / 3.0 && high <= 2.0 / 3.0 + 1e-12);
    let solvable = scores.solvable_pass_rate.unwrap();
    let of_group = &solvable.groups[1];
    assert_eq!(of_group.tasks, 3);
    // Rounds: (1 + 0 + 1) / 3 and (½ + ½ + 1) / 3.
    assert!((of_group.rate.rate - 2.0 / 3.0).abs() < 1e-12);
    assert!(of_group.rate.deviation.unwrap() < 1e-12);
    assert_eq!(
        (&scores.win_rate, &scores.solvable_win_rate),
        (&None, &None)
    );
    // Other rounds have a deviation: 2/3 and 1/3.
    verdicts[4] = verdict("G2_category", &[Unsolved, Unsolved], false, false);
    verdicts[0] = verdict("G2_category", &[Solved, Unsolved], false, false);
    let solvable = ToolEvalScores::of(&verdicts, 0).solvable_pass_rate.unwrap();
    let rate = solvable.groups[1].rate;
    assert!((rate.rate - 0.5).abs() < 1e-12);
    assert!((rate.deviation.unwrap() - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!(ToolEvalScores::of(&[], 0), ToolEvalScores::default());
}

#[test]
fn win_rates_count_ties_half() {
    let outcomes = [Outcome::Win, Outcome::Tie, Outcome::Loss, Outcome::Win];
    let verdicts: Vec<TaskVerdict> = outcomes
        .iter()
        .map(|&outcome| TaskVerdict {
            against: Some(WinVerdict {
                outcome,
                solvable: (outcome != Outcome::Loss).then_some(outcome),
                reference_passed: true,
                preferred: [0, 0],
                reason: String::new(),
            }),
            ..verdict("G1_tool", &[Solved], true, false)
        })
        .collect();
    let scores = ToolEvalScores::of(&verdicts, 0);
    assert!((scores.win_rate.unwrap().average.rate - 0.625).abs() < 1e-12);
    let solvable = scores.solvable_win_rate.unwrap();
    assert!((solvable.average.rate - 2.5 / 3.0).abs() < 1e-12);
    assert_eq!(solvable.groups[0].tasks, 3);
}

#[test]
fn many_are_judged_at_once_and_come_in_order() {
    let tasks: Vec<Task> = (0..60).map(|id| task(&id.to_string())).collect();
    let rollouts: Vec<RolloutRecord> = tasks
        .iter()
        .map(|task| rollout(&task.id, "G1_tool", End::Answer, 1))
        .collect();
    let all: Vec<ToJudge<'_>> = tasks
        .iter()
        .zip(&rollouts)
        .map(|(task, rollout)| ToJudge {
            task,
            rollout,
            reference: Some(rollout),
        })
        .collect();
    let judge = Scripted::default();
    let judged = |parallel, stop: bool| {
        let settings = ToolEvalSettings {
            parallel,
            ..ToolEvalSettings::default()
        };
        judge_rollouts(&judge, &all, &settings, &AtomicBool::new(stop), &mut ())
    };
    let one = judged(1, false).unwrap().unwrap();
    let ids: Vec<&str> = one.iter().map(|verdict| verdict.task.as_str()).collect();
    assert_eq!(
        ids,
        tasks
            .iter()
            .map(|task| task.id.as_str())
            .collect::<Vec<_>>()
    );
    assert_eq!(judged(7, false).unwrap().unwrap(), one);
    assert_eq!(judged(500, true).unwrap().unwrap_err(), Interrupted(0));
    // One that cannot be judged ends it with its error.
    let failing = task("fails");
    let mut some = all.clone();
    some[20].task = &failing;
    let settings = ToolEvalSettings::default();
    let stop = AtomicBool::new(false);
    let error = judge_rollouts(&judge, &some, &settings, &stop, &mut ());
    assert!(matches!(error, Err(JudgeError::UnknownTask { .. })));
}
