//! What is written, and what is read back.

use std::fs;

use glpft_eval::End;
use glpft_eval::judge::JUDGMENTS_FILE;
use glpft_eval::live_evaluation::{
    ANSWERS_FOLDER, LIVE_FILE, LiveReport, LiveTask, ROLLOUTS_FILE, VERDICTS_FILE, read_rollouts,
    read_verdicts,
};

use crate::support::{Agent, Run, Strict};

#[test]
fn what_is_done_is_written_judged_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let report = Run::new(&out, &judge).run(Agent::default()).unwrap();
    assert_eq!((report.judge.as_str(), report.rounds), ("strict", 3));
    assert_eq!((report.tasks, report.steps), (7, 12));
    let ends = (report.ends.answer, report.ends.give_up, report.ends.nothing);
    assert_eq!(ends, (6, 1, 0));
    assert_eq!(report.calls(), (5, 0));
    let pass = report.scores.pass_rate.as_ref().unwrap();
    let groups: Vec<(&str, usize, f64)> = pass
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.tasks, group.rate.rate))
        .collect();
    assert_eq!(
        groups,
        [("G1_tool", 4, 1.0), ("G3_instruction", 3, 1.0 / 3.0)]
    );
    assert!((pass.average.rate - 2.0 / 3.0).abs() < 1e-12);
    let read: LiveReport = serde_json::from_slice(&fs::read(out.join(LIVE_FILE)).unwrap()).unwrap();
    assert_eq!(read, report);
    let rollouts = read_rollouts(&out).unwrap();
    assert_eq!(rollouts.len(), 7);
    assert_eq!(rollouts[3].end, End::GiveUp);
    assert_eq!(rollouts[0].answer(), "It rains.");
    assert!(rollouts[0].path[0].observation.contains("rain in"));
    for rollout in &rollouts {
        assert!(rollout.answer_file.starts_with(ANSWERS_FOLDER));
        let text = fs::read_to_string(out.join(&rollout.answer_file)).unwrap();
        assert!(text.contains("answer_generation"), "{text}");
    }
    let verdicts = read_verdicts(&out).unwrap();
    let passed: Vec<bool> = verdicts
        .iter()
        .map(|verdict| verdict.passing.passed)
        .collect();
    assert_eq!(passed, [true, true, true, false, true, false, true]);
}

#[test]
fn hostile_files_are_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let run = Run::new(&out, &judge);
    run.run(Agent::default()).unwrap();
    let path = out.join(ROLLOUTS_FILE);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let deep = "[".repeat(100_000) + "\n";
    for (content, place) in [
        ([lines[1], lines[0]].join("\n") + "\n", "rollouts.jsonl:1"),
        (format!("{good}{}\n", lines[0]), "rollouts.jsonl:8"),
        (format!("{}\n\u{0}\n", lines[0]), "rollouts.jsonl:2"),
        (format!("{}\n{deep}", lines[0]), "rollouts.jsonl:2"),
        (format!("{}\nnull\n", lines[0]), "rollouts.jsonl:2"),
        (
            good.replace("\"code\":3", "\"code\":999"),
            "rollouts.jsonl:1",
        ),
        (good.replace("\"answer\"", "\"else\""), "rollouts.jsonl:1"),
    ] {
        fs::write(&path, &content).unwrap();
        let told = run.run(Agent::default()).unwrap_err().to_string();
        assert!(told.contains(place), "{told}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            content,
            "it stays as it is"
        );
    }
    fs::write(&path, &good).unwrap();
    for bad in ["{}\n", "{\"judge\": 3}\n"] {
        fs::write(out.join(JUDGMENTS_FILE), bad).unwrap();
        let told = run.run(Agent::default()).unwrap_err().to_string();
        assert!(told.contains("judgments.jsonl:1"), "{told}");
    }
    fs::write(out.join(VERDICTS_FILE), "{}\n").unwrap();
    assert!(read_verdicts(&out).is_err());
}

#[test]
fn tasks_that_cannot_be_told_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let refused = |change: &dyn Fn(&mut Vec<LiveTask>), told: &str| {
        let mut run = Run::new(&out, &judge);
        change(&mut run.tasks);
        let error = run.run(Agent::default()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert!(!out.exists());
    };
    refused(&|tasks| tasks.clear(), "no task");
    refused(&|tasks| tasks[2].task.id = "0".to_owned(), "task 2, \"0\"");
    for id in ["", "a_b", "../../a", "a/b", "é", &"9".repeat(300)] {
        refused(&|tasks| tasks[1].task.id = id.to_owned(), "hyphens");
    }
    for group in ["..", ".", "a/b", ""] {
        refused(&|tasks| tasks[1].group = group.to_owned(), "not plain");
    }
}
