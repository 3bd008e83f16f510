//! Calls that reach no tool or no model.

use std::fs;

use glpft_eval::live_evaluation::{LiveReport, ROLLOUTS_FILE, read_rollouts};

use crate::support::{Agent, Run, Strict};

#[test]
fn calls_that_reach_no_tool_are_counted_and_an_error_where_all_are() {
    let folder = tempfile::tempdir().unwrap();
    let (some, all) = (folder.path().join("some"), folder.path().join("all"));
    let judge = Strict::default();
    let run = Run {
        down: 2..3,
        ..Run::new(&some, &judge)
    };
    let report = run.run(Agent::default()).unwrap();
    assert_eq!(
        (report.tool_calls.made, report.tool_calls.unreached()),
        (5, 1)
    );
    let notes = report.notes();
    assert_eq!(
        notes,
        [(
            true,
            "1 of 5 calls reached no tool (status 404: 1)".to_owned()
        )]
    );
    // The counts are of the rollouts, whoever made them.
    let down = Run {
        down: 0..usize::MAX,
        ..run.clone()
    };
    assert_eq!(down.run(Agent::default()).unwrap(), report);
    // Nor does it matter where it is interrupted: the last task's only call is none of the first ones.
    let file = some.join(ROLLOUTS_FILE);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().take(6).collect();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let report = down.run(Agent::default()).unwrap();
    assert_eq!(
        (report.tool_calls.made, report.tool_calls.unreached()),
        (5, 2)
    );
    let down = Run { out: &all, ..down };
    let error = down.run(Agent::default()).unwrap_err().to_string();
    assert!(
        error.contains("2 of 2 calls reached no tool (status 404: 2)"),
        "{error}"
    );
    assert!(
        read_rollouts(&all).unwrap().is_empty(),
        "nothing is kept of it"
    );
}

#[test]
fn a_part_is_called_a_part_and_failed_calls_of_servers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Strict::default();
    let of = |served, fails_at| Agent {
        served,
        fails_at,
        ..Agent::default()
    };
    let out = folder.path().join("local");
    let run = Run {
        whole: Some(7),
        ..Run::new(&out, &judge)
    };
    let report = run.run(of(false, None)).unwrap();
    assert_eq!((report.part_of, report.model_calls.made), (None, 0));
    assert_eq!(report.date.len(), 10);
    let told = |report: &LiveReport, what: &str| {
        let notes = report.notes();
        notes.into_iter().find(|(_, note)| note.contains(what))
    };
    assert_eq!(told(&report, "a part"), None);
    let out = folder.path().join("served");
    let run = Run {
        whole: Some(70),
        out: &out,
        ..run
    };
    let report = run.run(of(true, None)).unwrap();
    let part = "a part: only 7 of 70 tasks were asked; rates are of these";
    assert_eq!(told(&report, "a part"), Some((false, part.to_owned())));
    let calls = report.model_calls.clone();
    assert_eq!(calls.made, 4 * calls.failed());
    let (warns, note) = told(&report, "calls of model servers").unwrap();
    assert!(warns && note.contains("(status 429: "), "{note}");
    // Interrupted by a server that fails for good, the calls before it count all the same, and so do those of the batch that
    // had to be begun again: the first of its rounds each time, which is the one that fails.
    let out = folder.path().join("interrupted");
    let run = Run { out: &out, ..run };
    run.run(of(true, Some(3))).unwrap_err();
    run.run(of(true, Some(1))).unwrap_err();
    let rest = run.run(of(true, None)).unwrap();
    assert_eq!(rest.model_calls.failed(), calls.failed() + 2);
    assert_eq!(rest.model_calls.made, calls.made + 8);
    let mut as_before = rest;
    as_before.model_calls = calls;
    assert_eq!(as_before.scores, report.scores);
}
