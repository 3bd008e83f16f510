//! Each rule of passing.

use super::*;

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
