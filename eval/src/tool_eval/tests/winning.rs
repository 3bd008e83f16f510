//! Each rule of winning, and many tasks at once.

use std::sync::atomic::AtomicBool;

use super::*;

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
    let mut wins = 0;
    for id in 0..400 {
        let task = task(&id.to_string());
        let rollouts = [1, 2].map(|steps| rollout(&task.id, "G1_tool", End::Answer, steps));
        let passing = judge_passing(&First, &task, &rollouts[0], &settings).unwrap();
        let against = |one: usize, other: usize| {
            let [one, other] = [one, other].map(|at| (&rollouts[at], &passing));
            let found = judge_winning(&First, &task, one, other, &settings).unwrap();
            found.outcome.score()
        };
        // Run and reference swapped: 1 less the same.
        assert_eq!(against(0, 1) + against(1, 0), 1.0);
        assert_eq!(against(0, 0), 0.5);
        wins += usize::from(against(0, 1) == 1.0);
    }
    assert!((160..=240).contains(&wins), "{wins}");
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
    let ids: Vec<&str> = one
        .verdicts
        .iter()
        .map(|verdict| verdict.task.as_str())
        .collect();
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
