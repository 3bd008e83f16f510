#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use glpft_agent::Calls;
use maud::Markup;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::{table, view};
use crate::judge::AnswerStatus;
use crate::live_evaluation::{Ends, LiveReport};
use crate::manifest::Manifest;
use crate::page::live_part::{LivePart, of_file};
use crate::rollout::{End, RolloutRecord, Usage};
use crate::tool_eval::{Passing, TaskVerdict, ToolEvalScores, UnjudgedPart, UnjudgedTask};

/// Text that is markup wherever it is not escaped.
const HOSTILE: &str =
    "\"'></style></details><script>alert(1)</script><img src=//x.test onerror=alert(1)>\u{202e}";

fn node(kind: &str, description: &str, children: &[Value]) -> Value {
    json!({"node_type": kind, "description": description, "pruned": false, "children": children})
}

/// A step of an answer file's tree.
fn step(function: &str, code: u8, children: &[Value]) -> Value {
    let mut input = node("Action Input", "{\"city\": \"Oslo\"}", children);
    input["observation"] = HOSTILE.into();
    input["observation_code"] = code.into();
    node("Thought", "I look.", &[node("Action", function, &[input])])
}

/// Two branches after a first step; the second one answers.
fn tree() -> Value {
    let branches = [
        step("broken", 6, &[]),
        step("works", 0, &[step("Finish", 3, &[])]),
    ];
    json!({"tree": {"tree": node("Action Input", "", &[step("first", 0, &branches)])}})
}

fn verdict(task: &str, passed: bool) -> TaskVerdict {
    TaskVerdict {
        task: task.to_owned(),
        group: "G1_tool".to_owned(),
        end: End::Answer,
        passing: Passing {
            passed,
            known_unsolvable: false,
            rounds: vec![passed],
            answers: vec![if passed {
                AnswerStatus::Solved
            } else {
                AnswerStatus::Unsolved
            }],
            reason: HOSTILE.to_owned(),
        },
        against: None,
    }
}

fn report(verdicts: &[TaskVerdict]) -> LiveReport {
    LiveReport {
        judge: "offline".to_owned(),
        rounds: 1,
        reference: None,
        strategy: "DFS_woFilter_w2".to_owned(),
        tasks: verdicts.len(),
        part_of: None,
        date: "2026-11-30".to_owned(),
        repetition: crate::live_evaluation::Repetition::default(),
        scores: ToolEvalScores::of(verdicts, 0),
        ends: Ends::default(),
        steps: 8,
        codes: BTreeMap::from([(0, 3), (3, 2), (6, 1)]),
        model_calls: glpft_agent::ModelCalls::default(),
        tool_calls: Calls {
            made: 9,
            unreached: BTreeMap::from([("status 404".to_owned(), 3)]),
        },
        unjudged: vec![UnjudgedTask {
            task: "3".to_owned(),
            group: "G1_tool".to_owned(),
            part: UnjudgedPart::Comparison,
            reason: HOSTILE.to_owned(),
        }],
        usage: Usage::default(),
        evaluation: Manifest::default(),
    }
}

/// An evaluation of two rollouts, one of which passes.
fn write(folder: &Path, answer_file: &str) {
    let rollout = |task: &str| RolloutRecord {
        task: task.to_owned(),
        group: "G1_tool".to_owned(),
        query: format!("Question {task}? {HOSTILE}"),
        end: End::Answer,
        answer: Some(HOSTILE.to_owned()),
        path: Vec::new(),
        query_count: 4,
        usage: Usage::default(),
        calls: Calls::default(),
        answer_file: answer_file.to_owned(),
    };
    let verdicts = [verdict("1", true), verdict("2", false)];
    let lines = |values: &[Value]| {
        values
            .iter()
            .map(|value| format!("{value}\n"))
            .collect::<String>()
    };
    let rollouts = ["1", "2"].map(|task| json!(rollout(task)));
    fs::write(folder.join("rollouts.jsonl"), lines(&rollouts)).unwrap();
    let told = verdicts.clone().map(|verdict| json!(verdict));
    fs::write(folder.join("verdicts.jsonl"), lines(&told)).unwrap();
    fs::write(folder.join("evaluation.json"), "{\"decides\": {}}").unwrap();
    fs::write(
        folder.join("live.json"),
        json!(report(&verdicts)).to_string(),
    )
    .unwrap();
    fs::write(folder.join("tree.json"), tree().to_string()).unwrap();
}

fn read(folder: &Path) -> (LivePart, Vec<String>) {
    let mut problems = Vec::new();
    let part = LivePart::read("live-dfsdt", folder, &BTreeMap::new(), &mut problems);
    (part.unwrap(), problems)
}

fn texts(markup: &Markup, selector: &str) -> Vec<String> {
    let html = Html::parse_fragment(&markup.0);
    let selector = Selector::parse(selector).unwrap();
    let text = |element: scraper::ElementRef<'_>| element.text().collect::<String>();
    html.select(&selector).map(text).collect()
}

#[test]
fn trees_are_read_as_steps() {
    let steps = of_file(&tree());
    assert_eq!(steps.len(), 1);
    let names: Vec<&str> = steps[0]
        .children
        .iter()
        .map(|step| step.function.as_str())
        .collect();
    assert_eq!(names, ["broken", "works"]);
    assert_eq!(steps[0].children[1].children[0].code, Some(3));
    assert_eq!(
        (steps[0].thought.as_str(), steps[0].code),
        ("I look.", Some(0))
    );
    // Chains, of which the first has no thought.
    let flat = |kind: &str, text: &str| node(kind, text, &[]);
    let file = json!({"trys": [
        {"chain": [flat("Action", "a"), flat("Action Input", "{}"), flat("Thought", "t"), flat("Action", "b"),
            flat("Action Input", "[]")]},
        {"chain": [flat("Action", "c"), flat("Action Input", "1")]},
    ]});
    let steps = of_file(&file);
    assert_eq!(steps.len(), 2);
    let second = &steps[0].children[0];
    assert_eq!(
        (second.thought.as_str(), second.function.as_str()),
        ("t", "b")
    );
    // Whatever else a file holds.
    for odd in [
        json!(null),
        json!({"tree": {"tree": {"children": [1, {}, {"children": 3}]}}}),
        json!({"trys": [{"chain": "x"}, 4]}),
    ] {
        let _ = of_file(&odd);
    }
    let wide: Vec<Value> = (0..5000).map(|_| step("f", 0, &[])).collect();
    let steps = of_file(&json!({"tree": {"tree": node("Action Input", "", &wide)}}));
    assert_eq!(steps.len(), 120);
}

#[test]
fn rollouts_are_shown_right_and_wrong_and_nothing_of_them_is_markup() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "tree.json");
    let (part, problems) = read(folder.path());
    assert!(problems.is_empty(), "{problems:?}");
    let shown = view::samples(&part);
    assert_eq!(
        texts(&shown, "details.kind > summary .kind-name"),
        ["Does not pass", "Passes"]
    );
    let steps = texts(&shown, "details.step > summary");
    assert_eq!(steps.len(), 8);
    assert!(
        steps[1].contains("broken") && steps[1].contains("not working"),
        "{steps:?}"
    );
    // What the scores are worth is told, and is no markup either.
    let told = texts(&super::one_of(&part), "p.missing");
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "3 of 9 calls reached no tool (status 404: 3)");
    assert!(
        told[1].contains("1 of 2 tasks are not compared"),
        "{told:?}"
    );
    // The two branches are one list below the first step.
    assert_eq!(texts(&shown, "ul.tree ul.tree > li").len(), 4);
    for one in [&shown, &table::rates(&[&part]), &super::one_of(&part)] {
        assert!(
            !one.0.contains("<script") && !one.0.contains("<img"),
            "{}",
            one.0
        );
    }
    let rates = table::rates(&[&part]);
    let cells = texts(&rates, "td");
    assert!(cells[0].starts_with("50.0"), "{cells:?}");
    assert!(texts(&rates, "th")[0].contains("pass rate"));
    assert!(texts(&rates, "tbody th")[0].contains("judged offline"));
}

#[test]
fn a_name_in_a_file_does_not_lead_out_of_the_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(folder.path().join("tree.json"), tree().to_string()).unwrap();
    let absolute = folder.path().join("tree.json").display().to_string();
    for (name, steps) in [
        ("tree.json", 1),
        ("../tree.json", 0),
        (absolute.as_str(), 0),
        ("", 0),
    ] {
        write(&inside, name);
        let (part, _) = read(&inside);
        assert_eq!(part.samples[0].1[0].tree.len(), steps, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "tree.json");
    for (file, content) in [
        ("rollouts.jsonl", "{}\n"),
        ("verdicts.jsonl", ""),
        ("verdicts.jsonl", "[]\n"),
        ("live.json", "{\"judge\": 1}"),
    ] {
        let before = fs::read(folder.path().join(file)).unwrap();
        fs::write(folder.path().join(file), content).unwrap();
        let (_, problems) = read(folder.path());
        assert!(
            problems.iter().any(|told| told.contains(file)),
            "{problems:?}"
        );
        fs::write(folder.path().join(file), before).unwrap();
    }
    fs::remove_file(folder.path().join("live.json")).unwrap();
    let (part, problems) = read(folder.path());
    assert!(part.report.is_none() && problems.is_empty());
}
