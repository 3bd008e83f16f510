//! What the judge refuses, and win rates.

use std::fs;
use std::sync::atomic::Ordering;

use glpft_eval::End;
use glpft_eval::live_evaluation::{ROLLOUTS_FILE, Reference, read_rollouts, read_verdicts};
use glpft_eval::tool_eval::Outcome;

use crate::support::{Agent, Run, Strict, contents};

#[test]
fn a_task_that_the_judge_refuses_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict {
        refuses: Some("2"),
        ..Strict::default()
    };
    let run = Run::new(&out, &judge);
    let report = run.run(Agent::default()).unwrap();
    assert_eq!((report.tasks, report.unjudged.len()), (7, 1));
    let pass = report.scores.pass_rate.as_ref().unwrap();
    let counts: Vec<usize> = pass.groups.iter().map(|group| group.tasks).collect();
    assert_eq!(counts, [3, 3], "the denominators are of what was judged");
    let notes = report.notes();
    assert!(
        notes.len() == 1 && notes[0].0 && notes[0].1.contains("1 of 7 tasks have no judgment"),
        "{notes:?}"
    );
    assert!(
        notes[0]
            .1
            .contains("2 of G1_tool (status 400: not this text)"),
        "{notes:?}"
    );
    let verdicts = read_verdicts(&out).unwrap();
    assert!(verdicts.len() == 6 && verdicts.iter().all(|verdict| verdict.task != "2"));
    // Nothing is asked again, unless that is wanted.
    let (first, whole) = (judge.asked.load(Ordering::Relaxed), contents(&out));
    run.run(Agent::default()).unwrap();
    assert_eq!(judge.asked.load(Ordering::Relaxed), first);
    assert_eq!(contents(&out), whole);
    let willing = Strict::default();
    let again = Run {
        ask_again: true,
        judge: &willing,
        ..run
    };
    let report = again.run(Agent::default()).unwrap();
    assert!(report.unjudged.is_empty() && report.notes().is_empty());
    assert_eq!(willing.asked.load(Ordering::Relaxed), 3, "its three rounds");
}

#[test]
fn a_comparison_that_the_judge_refuses_is_missing_in_win_rates_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let good = Strict::default();
    Run::new(&first, &good).run(Agent::default()).unwrap();
    let mut rollouts = read_rollouts(&first).unwrap();
    rollouts[1].answer = Some("It snows.".to_owned());
    let lines = rollouts
        .iter()
        .map(|one| serde_json::to_string(one).unwrap() + "\n");
    fs::write(first.join(ROLLOUTS_FILE), lines.collect::<String>()).unwrap();
    let judge = Strict {
        refuses: Some("It snows."),
        ..Strict::default()
    };
    let run = Run {
        reference: Some(Reference {
            directory: first,
            name: "first".to_owned(),
        }),
        ..Run::new(&second, &judge)
    };
    let report = run.run(Agent::default()).unwrap();
    let tasks = |rates: &Option<glpft_eval::tool_eval::Rates>| -> usize {
        rates
            .iter()
            .flat_map(|rates| &rates.groups)
            .map(|group| group.tasks)
            .sum()
    };
    assert_eq!(
        (
            tasks(&report.scores.pass_rate),
            tasks(&report.scores.win_rate)
        ),
        (7, 6)
    );
    assert_eq!(report.unjudged.len(), 1);
    assert!(
        report.notes()[0]
            .1
            .contains("1 of 7 tasks are not compared"),
        "{:?}",
        report.notes()
    );
}

#[test]
fn win_rates_are_against_the_reference_of_the_same_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let judge = Strict::default();
    Run::new(&first, &judge).run(Agent::default()).unwrap();
    // The same agent, but its task 3 ended without anything in the reference, and task 5 was answered by another.
    let mut rollouts = read_rollouts(&first).unwrap();
    rollouts[0].end = End::Nothing;
    let lines: Vec<String> = rollouts
        .iter()
        .map(|rollout| serde_json::to_string(rollout).unwrap() + "\n")
        .collect();
    fs::write(first.join(ROLLOUTS_FILE), lines.concat()).unwrap();
    let against = Run {
        reference: Some(Reference {
            directory: first.clone(),
            name: "first".to_owned(),
        }),
        ..Run::new(&second, &judge)
    };
    let report = against.run(Agent::default()).unwrap();
    assert_eq!(report.reference.as_deref(), Some("first"));
    let verdicts = read_verdicts(&second).unwrap();
    let outcomes: Vec<Outcome> = verdicts
        .iter()
        .map(|verdict| verdict.against.as_ref().unwrap().outcome)
        .collect();
    let mut expected = [Outcome::Tie; 7];
    expected[0] = Outcome::Win;
    assert_eq!(outcomes, expected);
    let win = report.scores.win_rate.unwrap();
    assert!((win.average.rate - (2.5 / 4.0 + 0.5) / 2.0).abs() < 1e-12);
    // Without one of the tasks it is no reference.
    fs::write(first.join(ROLLOUTS_FILE), lines[1..].concat()).unwrap();
    let error = against.run(Agent::default()).unwrap_err().to_string();
    assert!(error.contains("no rollout of task \"0\""), "{error}");
    // Nor with another world's task, which has the same id.
    rollouts[0].query.push('?');
    let other = serde_json::to_string(&rollouts[0]).unwrap() + "\n" + &lines[1..].concat();
    fs::write(first.join(ROLLOUTS_FILE), other).unwrap();
    let error = against.run(Agent::default()).unwrap_err().to_string();
    assert!(error.contains("no rollout of task \"0\""), "{error}");
}
