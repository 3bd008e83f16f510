//! An interrupted static evaluation goes on and comes out as if it had not been interrupted.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::fs;
use std::path::Path;

use glpft_data::Conversation;
use glpft_eval::DirectoryError;
use glpft_eval::static_evaluation::{
    Answerer, MANIFEST_FILE, METRICS_FILE, PREDICTIONS_FILE, StaticError, StaticObserver,
    StaticReport, StaticSettings, TIMES_FILE, Times,
};
use support::{Scripted, evaluate, evaluate_observed, small};

/// Seven conversations of two steps each; in batches of two.
fn data(folder: &Path) -> (Vec<Conversation>, StaticSettings) {
    let instructions: Vec<String> = (0..7).map(|index| format!("Question {index}?")).collect();
    let turns: Vec<Vec<(&str, &str)>> = instructions
        .iter()
        .map(|instruction| {
            vec![
                ("user", instruction.as_str()),
                ("assistant", "I ask.\n Next: caller."),
                ("caller", "Action: weather\nAction Input: {}"),
                ("observation", "rain"),
                ("assistant", "I know.\n Next: conclusion."),
                ("conclusion", "It rains."),
            ]
        })
        .collect();
    let turns: Vec<&[(&str, &str)]> = turns.iter().map(Vec::as_slice).collect();
    let settings = StaticSettings {
        batch: 2,
        ..StaticSettings::default()
    };
    (small(folder, &turns), settings)
}

/// A report without what took how long.
fn timeless(mut report: StaticReport) -> StaticReport {
    report.times = Times::default();
    report
}

#[derive(Default)]
struct Start {
    done: usize,
    total: usize,
    loads: usize,
}

impl StaticObserver for Start {
    fn start(&mut self, done: usize, total: usize) {
        (self.done, self.total) = (done, total);
    }

    fn load(&mut self) {
        self.loads += 1;
    }
}

#[test]
fn wherever_the_file_was_cut_the_result_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (conversations, settings) = data(folder.path());
    let right = Scripted::right(&conversations, &settings);
    let whole = folder.path().join("whole");
    let team = Answerer::Team;
    let expected = evaluate(&conversations, &settings, team, &mut right.clone(), &whole).unwrap();
    let bytes = fs::read(whole.join(PREDICTIONS_FILE)).unwrap();
    let times = fs::read(whole.join(TIMES_FILE)).unwrap();
    let lines: Vec<usize> = bytes
        .iter()
        .enumerate()
        .filter_map(|(at, &byte)| (byte == b'\n').then_some(at + 1))
        .collect();
    assert_eq!(lines.len(), 14);
    let out = folder.path().join("cut");
    for cut in (0..=bytes.len()).step_by(397).chain(lines.clone()) {
        fs::create_dir_all(&out).unwrap();
        fs::copy(whole.join(MANIFEST_FILE), out.join(MANIFEST_FILE)).unwrap();
        fs::write(out.join(PREDICTIONS_FILE), &bytes[..cut]).unwrap();
        fs::write(
            out.join(TIMES_FILE),
            &times[..times.len() * cut / bytes.len()],
        )
        .unwrap();
        let mut start = Start::default();
        let mut generator = right.clone();
        let report = evaluate_observed(
            &conversations,
            &settings,
            team,
            &mut generator,
            &out,
            &mut start,
        );
        assert_eq!(
            timeless(report.unwrap()),
            timeless(expected.clone()),
            "{cut}"
        );
        assert_eq!(
            fs::read(out.join(PREDICTIONS_FILE)).unwrap(),
            bytes,
            "{cut}"
        );
        // Four steps a batch, the last has two: only whole batches count.
        let there = lines.iter().filter(|&&end| end <= cut).count();
        let done = if there == 14 { 14 } else { there / 4 * 4 };
        assert_eq!((start.done, start.total), (done, 14), "{cut}");
        assert_eq!(generator.requests, (14 - done) * 2, "{cut}");
        assert_eq!(start.loads, usize::from(done < 14), "{cut}");
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn what_was_answered_before_a_failure_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (conversations, settings) = data(folder.path());
    let mut failing = Scripted::right(&conversations, &settings);
    // Three calls a batch: planner, caller, summarizer.
    failing.fails_at = Some(5);
    let out = folder.path().join("out");
    let team = Answerer::Team;
    let error = evaluate(&conversations, &settings, team, &mut failing, &out).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("trajectories 2 to 3, caller"), "{told}");
    let kept = "4 of 14 steps are answered";
    assert!(
        told.contains(kept) && told.contains("resumes from there"),
        "{told}"
    );
    assert!(!out.join(METRICS_FILE).exists());
    let lines = fs::read_to_string(out.join(PREDICTIONS_FILE)).unwrap();
    assert_eq!(lines.lines().count(), 4);
    let mut right = Scripted::right(&conversations, &settings);
    evaluate(&conversations, &settings, team, &mut right, &out).unwrap();
    assert_eq!(right.requests, 20);
}

#[test]
fn another_evaluation_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (conversations, settings) = data(folder.path());
    let right = Scripted::right(&conversations, &settings);
    let out = folder.path().join("out");
    let team = Answerer::Team;
    evaluate(&conversations, &settings, team, &mut right.clone(), &out).unwrap();
    let refused = |conversations: &[Conversation], settings: &StaticSettings, parts: &[&str]| {
        let mut right = Scripted::right(conversations, settings);
        let error = evaluate(conversations, settings, team, &mut right, &out).unwrap_err();
        let told = error.to_string();
        let other = matches!(error, StaticError::Directory(DirectoryError::Other { .. }));
        assert!(other, "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    };
    refused(&conversations[1..], &settings, &["data: "]);
    let compat = StaticSettings {
        steps: Some(3),
        batch: 2,
        ..StaticSettings::compat()
    };
    refused(
        &conversations,
        &compat,
        &[
            "behaviour: fixed, now compat",
            "steps: all, now 3",
            "--overwrite",
        ],
    );
    // The seed decides nothing of what is predicted.
    let reseeded = StaticSettings {
        seed: 1,
        ..settings
    };
    evaluate(&conversations, &reseeded, team, &mut right.clone(), &out).unwrap();
}

#[test]
fn damage_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (conversations, settings) = data(folder.path());
    let right = Scripted::right(&conversations, &settings);
    let out = folder.path().join("out");
    let again = || {
        let mut right = right.clone();
        evaluate(&conversations, &settings, Answerer::Team, &mut right, &out)
    };
    again().unwrap();
    let path = out.join(PREDICTIONS_FILE);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let swapped = [lines[1], lines[0]].join("\n") + "\n";
    for (content, parts) in [
        (swapped, ["predictions.jsonl:1", "turn 4"]),
        (
            format!("{good}{}\n", lines[0]),
            ["predictions.jsonl:15", "no step was left"],
        ),
        (
            format!("{}\nnot json\n", lines[0]),
            ["predictions.jsonl:2", "expected"],
        ),
    ] {
        fs::write(&path, &content).unwrap();
        let told = again().unwrap_err().to_string();
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            content,
            "it stays as it is"
        );
    }
    fs::remove_file(out.join(MANIFEST_FILE)).unwrap();
    let told = again().unwrap_err().to_string();
    assert!(told.contains("no evaluation.json"), "{told}");
}
