//! Static evaluation by generators that say what they are told: what is asked, scored and counted.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::fs;

use glpft_agent::Limits;
use glpft_eval::score_file;
use glpft_eval::static_evaluation::{
    Answerer, METRICS_FILE, PREDICTIONS_FILE, StaticError, StaticReport, StaticSettings,
    read_records,
};
use glpft_recipes::Behaviour;
use serde_json::Value;
use support::{Scripted, conversations, evaluate, fixture, small};

const FIXED: fn() -> StaticSettings = StaticSettings::default;
const CALL: &str = "Action: weather\nAction Input: {\"city\": \"Oslo\"}";

fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-9)
}

#[test]
fn who_says_what_the_data_say_is_perfect() {
    let Some(data) = fixture("data/alpha-umi/out_of_domain_300.json") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let conversations = conversations(&data, 40);
    for (name, settings) in [("fixed", FIXED()), ("compat", StaticSettings::compat())] {
        let mut right = Scripted::right(&conversations, &settings);
        let out = folder.path().join(name);
        let report = evaluate(&conversations, &settings, Answerer::Team, &mut right, &out).unwrap();
        let metrics = &report.scores.metrics;
        for one in [metrics.plan_em, metrics.action_em, metrics.f1] {
            assert_eq!(one, Some(1.0), "{name} {metrics:?}");
        }
        assert!(metrics.rouge.unwrap() > 0.999);
        let counts = &report.scores.counts;
        assert_eq!(counts.reference, counts.predicted);
        assert_eq!(report.right, counts.reference);
        assert_eq!(report.roles[0].requests, counts.steps);
        assert_eq!(report.roles[1].requests, counts.reference.call);
        assert_eq!(report.roles[2].requests, counts.reference.finish);
        assert!(report.data.turns_without_tag > 0, "the data have some");
        assert_eq!(right.forgotten, 10);
    }
}

#[test]
fn noisy_predictions_score_as_the_published_script_scored_them() {
    let Some(data) = fixture("data/alpha-umi/out_of_domain_300.json") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let conversations = conversations(&data, 120);
    for name in ["exact", "noisy-1", "noisy-2"] {
        let directory = fixture(&format!("data/eval-fixtures/{name}")).unwrap();
        let read = |file| -> Value {
            serde_json::from_str(&fs::read_to_string(directory.join(file)).unwrap()).unwrap()
        };
        let predictions = read("predictions.json");
        let texts: Vec<&str> = predictions
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["predictions"].as_str().unwrap())
            .collect();
        let mut next = texts.iter();
        let settings = FIXED();
        let mut noisy = Scripted::new(&conversations, &settings, Answerer::Team, &mut |_, _, _| {
            let text = next.next().unwrap();
            let text = ["asssitant: ", "assistant: "]
                .iter()
                .find_map(|label| text.strip_prefix(label))
                .unwrap_or(text);
            let (planner, role) = text.split_once("</s>").unwrap_or((text, ""));
            let role = role.split_once(": ").map_or("", |(_, role)| role);
            (planner.to_owned(), role.to_owned())
        });
        let out = folder.path().join(name);
        let report = evaluate(&conversations, &settings, Answerer::Team, &mut noisy, &out).unwrap();
        let mut at = 0;
        read_records(&out.join(PREDICTIONS_FILE), &mut |record| {
            // `exact` has the references' own texts, which end otherwise than predictions.
            assert!(
                name == "exact" || record.predictions == texts[at],
                "{name} step {at}: {}",
                record.predictions
            );
            at += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(at, 429);
        for (key, value) in read("metrics.json").as_object().unwrap() {
            let metrics = report.scores.metrics.by_key();
            let found = metrics.iter().find(|(found, _)| found == key).unwrap().1;
            assert!(
                close(found, value.as_f64().unwrap()),
                "{name} {key} {found:?}"
            );
        }
    }
}

#[test]
fn what_is_written_is_what_is_scored() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = two(folder.path());
    let out = folder.path().join("out");
    let mut right = Scripted::right(&conversations, &FIXED());
    let report = evaluate(&conversations, &FIXED(), Answerer::Team, &mut right, &out).unwrap();
    let scored = score_file(&out.join(PREDICTIONS_FILE), Behaviour::Fixed, 0).unwrap();
    assert_eq!(scored, report.scores);
    assert_eq!(StaticReport::read(&out.join(METRICS_FILE)).unwrap(), report);
    let records = fs::read_to_string(out.join(PREDICTIONS_FILE)).unwrap();
    let first: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    for (pointer, value) in [
        ("/tools/1/Name", "time".into()),
        ("/instruction", "Question 0?".into()),
        ("/trajectory", 0.into()),
        ("/turn", 1.into()),
        ("/outputs/0/role", "planner".into()),
        ("/outputs/1/role", "caller".into()),
        ("/outputs/1/text", CALL.into()),
        ("/outputs/1/ending", "end_of_sequence".into()),
        ("/outcome/reference", "call".into()),
        ("/outcome/arguments/kind", "hard".into()),
        ("/outcome/arguments/f1", 1.0.into()),
        (
            "/predictions",
            format!("asssitant: I ask.\n Next: caller.</s>caller: {CALL}").into(),
        ),
    ] {
        assert_eq!(first.pointer(pointer), Some(&value), "{pointer}");
    }
}

/// Four steps of two conversations; one turn has no tag.
fn two(folder: &std::path::Path) -> Vec<glpft_data::Conversation> {
    small(
        folder,
        &[
            &[
                ("user", "Question 0?"),
                ("assistant", "I ask.\n Next: caller."),
                ("caller", CALL),
                ("observation", "{\"rain\": true}"),
                ("assistant", "I wonder."),
                ("assistant", "I know.\n Next: conclusion."),
                ("conclusion", "It rains."),
            ],
            &[
                ("user", "Question 1?"),
                ("assistant", "I ask.\n Next: caller."),
                ("caller", "Action: time\nAction Input: {}"),
                ("observation", ""),
                ("assistant", "I cannot.\n Next: give up."),
            ],
        ],
    )
}

#[test]
fn hostile_answers_have_documented_values() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = two(folder.path());
    for (name, planner, role, call, finish) in [
        ("empty", "", "", "none", "none"),
        ("stop", ".", ",", "none", "none"),
        ("colon", ": ", ": .", "none", "none"),
        (
            "separators",
            "</s></s>",
            "</s>Action: f</s>",
            "none",
            "none",
        ),
        ("nul", "\0\u{fffd}", "Action:\0", "\0", "none"),
        (
            "unknown",
            "I ask. Next: caller.",
            "Action: nothing_known",
            "nothing_known",
            "none",
        ),
        ("both", "Next: caller. Next: give up. x", "", "none", "none"),
    ] {
        let settings = FIXED();
        let mut hostile =
            Scripted::new(&conversations, &settings, Answerer::Team, &mut |_, _, _| {
                (planner.to_owned(), role.to_owned())
            });
        let out = folder.path().join(name);
        let report = evaluate(
            &conversations,
            &settings,
            Answerer::Team,
            &mut hostile,
            &out,
        )
        .unwrap();
        assert_eq!(report.scores.counts.steps, 4, "{name}: no step is dropped");
        let calls = report.scores.counts.predicted.call;
        assert_eq!(calls, if name == "both" { 0 } else { 4 }, "{name}");
        let hallucinated = u64::from(call != "none") * 4;
        assert_eq!(report.scores.counts.hallucinated, hallucinated, "{name}");
        assert_eq!(report.scores.counts.predicted.finish, 0, "{finish}");
        let told = ["empty", "stop", "colon", "separators", "nul"].contains(&name);
        assert_eq!(report.plans_without_tag, if told { 4 } else { 0 }, "{name}");
        assert_eq!(
            score_file(&out.join(PREDICTIONS_FILE), Behaviour::Fixed, 0).unwrap(),
            report.scores
        );
    }
}

#[test]
fn hostile_references_have_documented_values() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = small(
        folder.path(),
        &[
            &[
                ("user", "0"),
                ("assistant", "Nothing follows. Next: caller."),
            ],
            &[("user", "1"), ("assistant", "Nor here. Next: conclusion.")],
            &[
                ("user", "2"),
                ("assistant", "Next: caller."),
                ("caller", "Action: weather\nAction Input: {no json"),
            ],
            &[
                ("user", "3"),
                ("assistant", " Next: caller."),
                ("caller", "Action: no_such_tool"),
            ],
            &[
                ("user", "4"),
                ("assistant", "Next: conclusion."),
                ("conclusion", ""),
            ],
            &[("user", "nothing to score")],
        ],
    );
    let mut right = Scripted::right(&conversations, &FIXED());
    let out = folder.path().join("out");
    let report = evaluate(&conversations, &FIXED(), Answerer::Team, &mut right, &out).unwrap();
    let scores = &report.scores;
    assert_eq!(scores.counts.steps, 5);
    assert_eq!(report.data.trajectories_without_steps, 1);
    assert_eq!(scores.metrics.plan_em, Some(1.0));
    assert_eq!(scores.skipped.reference_arguments_not_json, 1);
    assert_eq!(scores.counts.hallucinated_references, 1);
    assert_eq!(scores.counts.hallucinated, 1);
    assert_eq!(scores.mended.empty_answers, 1);
    assert!(!scores.notes.is_empty());
}

#[test]
fn a_single_model_is_asked_for_whole_steps() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = two(folder.path());
    let settings = FIXED();
    let mut single = Scripted::new(
        &conversations,
        &settings,
        Answerer::Single,
        &mut |_, turn, following| {
            let text = match (turn.value.contains("caller"), following) {
                (true, Some(call)) => format!("I ask.\n{}", call.value),
                (false, Some(answer)) => format!("I know.\nconclusion: {}", answer.value),
                _ => "I cannot.\nconclusion: give up.".to_owned(),
            };
            (text, String::new())
        },
    );
    let out = folder.path().join("out");
    let report = evaluate(
        &conversations,
        &settings,
        Answerer::Single,
        &mut single,
        &out,
    )
    .unwrap();
    assert_eq!(report.scores.metrics.plan_em, Some(1.0));
    assert_eq!(report.scores.metrics.f1, Some(1.0));
    assert_eq!(report.right, report.scores.counts.reference);
    let roles: Vec<&str> = report.roles.iter().map(|role| role.role.as_str()).collect();
    assert_eq!(roles, ["backbone"]);
    assert_eq!(report.plans_without_tag, 0);
}

#[test]
fn limits_are_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = two(folder.path());
    let right = Scripted::right(&conversations, &FIXED());
    for (name, trajectories, steps, answered, beyond) in [
        ("one", Some(1), None, 2, 0),
        ("three", None, Some(3), 3, 1),
        ("step", Some(1), Some(1), 1, 1),
        ("more", Some(9), Some(9), 4, 0),
    ] {
        let settings = StaticSettings {
            trajectories,
            steps,
            ..FIXED()
        };
        let out = folder.path().join(name);
        let mut right = right.clone();
        let report = evaluate(&conversations, &settings, Answerer::Team, &mut right, &out).unwrap();
        assert_eq!(report.data.steps, answered, "{name}");
        assert_eq!(report.data.steps_beyond_limit, beyond, "{name}");
        assert_eq!(report.scores.counts.steps as usize, answered, "{name}");
    }
    let none = StaticSettings {
        trajectories: Some(0),
        ..FIXED()
    };
    let mut right = right.clone();
    let error = evaluate(
        &conversations,
        &none,
        Answerer::Team,
        &mut right,
        folder.path(),
    );
    assert!(matches!(error, Err(StaticError::NoSteps)));
}

#[test]
fn tokens_are_counted_by_role() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = two(folder.path());
    let settings = StaticSettings {
        limits: Limits {
            prompt_tokens: 100_000,
            new_tokens: 5,
            stop_repeats: None,
        },
        ..FIXED()
    };
    let mut right = Scripted::right(&conversations, &settings);
    let out = folder.path().join("out");
    let report = evaluate(&conversations, &settings, Answerer::Team, &mut right, &out).unwrap();
    let planner = &report.roles[0];
    assert_eq!(planner.requests, 4);
    assert_eq!(planner.prompts_cut, 0);
    assert_eq!(planner.endings.end_of_sequence, 4);
    let texts = right
        .answers
        .iter()
        .filter(|((role, _), _)| role.name() == "planner");
    let (prompts, answers) = texts.fold((0, 0), |(prompts, answers), ((_, prompt), answer)| {
        (prompts + prompt.len() as u64, answers + answer.len() as u64)
    });
    assert_eq!(
        (planner.prompt_tokens, planner.new_tokens),
        (prompts, answers)
    );
    assert!(planner.cached_tokens > 0);
    assert!(report.times.total() > 0.0);
    // A model may read less than the settings allow.
    let prompts = right.answers.keys();
    let prompts = prompts.filter(|(role, _)| role.name() == "planner");
    let mut lengths: Vec<usize> = prompts.map(|(_, prompt)| prompt.len()).collect();
    lengths.sort_unstable();
    right.room = lengths[1];
    let long = lengths.iter().filter(|length| **length > right.room);
    let long = long.count() as u64;
    assert!(0 < long && long < 4, "{lengths:?}");
    let out = folder.path().join("less");
    let report = evaluate(&conversations, &settings, Answerer::Team, &mut right, &out).unwrap();
    assert_eq!(report.roles[0].prompts_cut, long);
    assert_eq!(report.roles[0].longest_prompt, right.room as u64);
    let read = StaticReport::read(&out.join("metrics.json")).unwrap();
    assert_eq!(read.roles[0].prompts_cut, long);
}
