//! `glpft eval score`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::published::fixture;
use crate::{Outcome, folder, glpft, json, read_json};

const CALL: &str = "assistant: I ask.\n Next: caller.</s>caller: Action: weather\nAction Input: {\"city\": \"Oslo\", \"days\": 1}</s>";
const NO_ARGUMENTS: &str =
    "assistant: I ask.\n Next: caller.</s>caller: Action: weather\nAction Input: {}</s>";
const FINISH: &str = "assistant: I know.\n Next: conclusion.</s>conclusion: It rains in Oslo.</s>";
const GIVE_UP: &str = "I cannot.\n Next: give up.";

fn entry(reference: &str, predictions: &str) -> Value {
    json!({
        "tools": [{"Name": "weather", "function": "", "input": {}}],
        "instruction": "Does it rain?",
        "reference": reference,
        "predictions": predictions,
    })
}

fn score(directory: &Path, content: impl AsRef<[u8]>, more: &[&str]) -> Outcome {
    fs::write(directory.join("p.json"), content).unwrap();
    let arguments = ["eval", "score", "p.json"];
    glpft(directory, arguments.iter().chain(more))
}

#[test]
fn a_list_and_lines_score_alike() {
    let here = folder();
    let entries = [
        entry(
            CALL,
            "asssitant: t Next: caller.</s>caller: Action: weather\nAction Input: {\"city\": \"Oslo\", \"days\": true}",
        ),
        entry(
            CALL,
            "asssitant: t Next: caller.</s>caller: Action: wether\nAction Input: {}",
        ),
        entry(NO_ARGUMENTS, NO_ARGUMENTS),
        entry(FINISH, FINISH),
        entry(GIVE_UP, FINISH),
    ];
    let list = score(here.path(), json!(entries).to_string(), &["--json"]).ok();
    let told = json(&list);
    for (key, value) in [
        ("plan_em", 0.8),
        ("action_em", 2.0 / 3.0),
        ("easy_f1", 0.5),
        ("hard_f1", 0.5),
        ("f1", 2.0 / 3.0),
        ("hallu_rate", 0.2),
        ("rouge", 0.999_999_995),
    ] {
        let found = told[key].as_f64().unwrap();
        assert!((found - value).abs() < 1e-9, "{key}: {found}");
    }
    assert_eq!(told["counts"]["steps"], 5);
    assert_eq!(told["counts"]["trajectories"], 1);
    assert_eq!(told["confusion"]["give_up"]["finish"], 1);
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    assert_eq!(score(here.path(), lines.join("\n"), &["--json"]).ok(), list);

    let shown = score(here.path(), lines.join("\n"), &[]).ok();
    for part in [
        "5 steps of 1 trajectory\n",
        "plan_em",
        "80.00",
        "66.67",
        "give_up",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
}

#[test]
fn the_published_scores_come_out() {
    for name in ["exact", "noisy-1", "noisy-2"] {
        let Some(directory) = fixture(&format!("data/eval-fixtures/{name}")) else {
            return;
        };
        let expected = read_json(&directory.join("metrics.json"));
        for more in [&[][..], &["--compat"]] {
            let file = directory.join("predictions.json");
            let arguments = ["eval", "score", file.to_str().unwrap(), "--json"];
            let told = json(&glpft(&directory, arguments.iter().chain(more)).ok());
            for (key, value) in expected.as_object().unwrap() {
                let difference = told[key].as_f64().unwrap() - value.as_f64().unwrap();
                assert!(difference.abs() < 1e-9, "{name} {key}: {difference}");
            }
        }
    }
}

#[test]
fn what_is_undefined_is_said() {
    let here = folder();
    let entries = json!([entry(GIVE_UP, GIVE_UP)]).to_string();
    let told = json(&score(here.path(), &entries, &["--json"]).ok());
    assert_eq!(told["plan_em"], 1.0);
    for key in [
        "rouge",
        "action_em",
        "easy_f1",
        "hard_f1",
        "f1",
        "intervals",
    ] {
        assert!(told.get(key).is_none(), "{key}");
    }
    assert!(score(here.path(), &entries, &[]).ok().contains("undefined"));
    score(here.path(), &entries, &["--compat"]).fails(1, &["p.json", "easy_f1", "divides by zero"]);
}

#[test]
fn what_the_published_script_cannot_read_has_a_value_and_a_note() {
    let here = folder();
    let broken = CALL.replace("1}", "1");
    let entries = [
        entry(CALL, ""),
        entry("nothing of a step", CALL),
        entry(FINISH, "t Next: conclusion.</s>conclusion: "),
        entry(&broken, CALL),
        entry(CALL, "t</s>Action: no_such_tool\nAction Input: {"),
    ];
    let content = json!(entries).to_string();
    let told = json(&score(here.path(), &content, &["--json"]).ok());
    assert_eq!(told["counts"]["steps"], 5, "no step is dropped");
    assert_eq!(told["skipped"]["reference_arguments_not_json"], 1);
    assert_eq!(told["mended"]["predictions_without_separator"], 1);
    assert_eq!(told["mended"]["references_without_separator"], 1);
    assert_eq!(told["mended"]["empty_answers"], 1);
    assert_eq!(told["hallu_rate"], 0.2);
    let shown = score(here.path(), &content, &[]).ok();
    for part in [
        "entry 0: the prediction is a call without `</s>`",
        "entry 1: the reference",
        "ROUGE-L is 0",
        "entry 3: the reference has arguments that are not JSON",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    score(here.path(), &content, &["--compat"]).fails(
        1,
        &[
            "p.json[0]",
            "the prediction is a call without `</s>`",
            "--compat",
        ],
    );
}

#[test]
fn bad_files_are_refused() {
    let here = folder();
    let good = entry(CALL, CALL).to_string();
    let cut = format!("[{good}, {}", &good[..good.len() - 20]);
    let refused = |content: &str, parts: &[&str]| {
        score(here.path(), content, &[]).fails(1, parts);
        score(here.path(), content, &["--json", "--compat"]).fails(1, parts);
    };
    refused(&cut, &["p.json", "after 1 whole entries", "cut short"]);
    refused(&format!("{good}\n{{\"tools\""), &["p.json:2", "cut short"]);
    refused("", &["p.json is empty", "a JSON list, or JSON lines"]);
    refused("[]", &["p.json holds no entry"]);
    refused("tools,reference\n", &["p.json begins with neither"]);
    refused(&format!("[{good}, {{}}]"), &["p.json[1]: has no `tools`"]);
    refused(
        &good.replace("\"Name\"", "\"name\""),
        &["p.json:1: has no `tools[0].Name`"],
    );
    refused(
        &format!(
            "[{}]",
            good.replace("\"predictions\":", "\"predictions\":[],\"x\":")
        ),
        &["p.json[0]: `predictions` is an array, not a string"],
    );
    refused(&"[".repeat(100_000), &["p.json", "recursion limit"]);
    score(here.path(), [b'[', 0xff], &[]).fails(1, &["p.json is not UTF-8"]);
    glpft(here.path(), ["eval", "score", "absent.json"]).fails(1, &["absent.json", "No such file"]);
    glpft(here.path(), ["eval", "score", "."]).fails(1, &["predictions ."]);
}
