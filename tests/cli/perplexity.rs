//! Perplexity: in the training log, in the summary, and of finished models.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use glpft_data::{QuerySplits, Split};
use serde_json::Value;

use crate::{folder, glpft, json, read_json, smoke};

const SOURCE: &str = "stages/raw_data_stage_2.json";

/// Trains on a third held out for two steps a stage; leaves the held-out conversations in `held-out.json`.
fn trained(here: &Path, more: &[&str]) {
    trained_from(here, "sample", "--out=made", more);
}

/// The same by another recipe.
pub fn trained_from(here: &Path, recipe: &str, out: &str, more: &[&str]) {
    glpft(here, ["data", "export", "sample", "--to=stages"]).ok();
    let source = format!("--set=data.source={SOURCE}");
    let run = [
        "run",
        recipe,
        &source,
        "--set=data.validation_fraction=0.3",
        out,
    ];
    smoke(here, &[&run[..], more].concat()).ok();
    let all = read_json(&here.join(SOURCE));
    let query = |record: &Value| record["instruction"].as_str().unwrap().to_owned();
    let queries: BTreeSet<String> = all.as_array().unwrap().iter().map(query).collect();
    let splits = QuerySplits::new(queries.iter().map(String::as_str), 1.0, 0.3, 42);
    let held_out: Vec<&Value> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| splits.get(&query(record)) == Some(Split::Validation))
        .collect();
    fs::write(
        here.join("held-out.json"),
        serde_json::json!(held_out).to_string(),
    )
    .unwrap();
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-5 * one.abs().max(other.abs())
}

fn measured(here: &Path, more: &[&str]) -> Value {
    let command = ["eval", "perplexity", "made", "--json", "--threads=1"];
    json(&glpft(here, command.iter().chain(more)).ok())
}

#[test]
fn training_and_the_finished_models_agree() {
    let here = folder();
    let path = here.path();
    trained(path, &["--set=stage.eval_every=1"]);
    let summary = read_json(&path.join("made/summary.json"));
    let report = measured(path, &["--data=held-out.json"]);
    assert_eq!(report["roles"].as_array().unwrap().len(), 3);
    for told in report["roles"].as_array().unwrap() {
        let role = told["role"].as_str().unwrap();
        let log = fs::read_to_string(path.join(format!("made/stages/{role}/train_log.jsonl")));
        let validations: Vec<Value> = log
            .unwrap()
            .lines()
            .map(json)
            .filter(|line| line.get("validation_loss").is_some())
            .collect();
        assert_eq!(validations.len(), 3, "before, and after each of two steps");
        for line in &validations {
            let perplexity = number(&line["validation_loss"]).exp();
            assert!(is_close(number(&line["validation_perplexity"]), perplexity));
        }
        let stages = summary["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["stage"] == role).unwrap();
        let (first, last) = (&validations[0], &validations[2]);
        for (key, line) in [("first", first), ("last", last)] {
            let key = format!("{key}_validation_perplexity");
            assert!(is_close(
                number(&stage[key]),
                number(&line["validation_perplexity"])
            ));
        }
        // The model that was saved, on the same conversations as a file of their own.
        assert_eq!(
            told["label_tokens"], last["validation_label_tokens"],
            "{role}"
        );
        assert!(
            is_close(number(&told["loss"]), number(&last["validation_loss"])),
            "{role}"
        );
        let perplexity = number(&told["perplexity"]);
        assert!(is_close(perplexity, number(&told["loss"]).exp()));
        let [low, high] = [0, 1].map(|end| number(&told["interval"][end]));
        assert!(
            low < perplexity && perplexity < high,
            "{low} {perplexity} {high}"
        );
    }
    let few = measured(path, &["--data=held-out.json", "--limit=2"]);
    assert_eq!(few["conversations"], 2);
    let shown = glpft(path, ["eval", "perplexity", "made", "--data=held-out.json"]).ok();
    for part in ["planner", "summarizer", "perplexity", "95 % interval"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }

    // The same models by their own paths.
    let role = |role: &str| format!("--{role}=made/models/{role}");
    let trio = ["planner", "caller", "summarizer"].map(role);
    let trio: Vec<&str> = trio.iter().map(String::as_str).collect();
    let command = ["eval", "perplexity", "--json", "--data=held-out.json"];
    let mut theirs = json(&glpft(path, command.iter().chain(&trio)).ok());
    let mut ours = measured(path, &["--data=held-out.json"]);
    for report in [&mut theirs, &mut ours] {
        for role in report["roles"].as_array_mut().unwrap() {
            role["seconds"] = 0.into();
        }
    }
    assert_eq!(theirs, ours);

    // Bad input.
    let refused = |more: &[&str], code: i32, parts: &[&str]| {
        let command = ["eval", "perplexity", "made"];
        glpft(path, command.iter().chain(more)).fails(code, parts);
    };
    refused(&["--data=absent.json"], 1, &["absent.json"]);
    fs::write(
        path.join("silent.json"),
        r#"[{"tools": [], "instruction": "i", "conversations": [{"from": "user", "value": "i"}]}]"#,
    )
    .unwrap();
    refused(
        &["--data=silent.json"],
        2,
        &["--data", "silent.json", "what a role learns"],
    );
    refused(
        &["--data=held-out.json", "--max-length=0"],
        2,
        &["--max-length"],
    );
}

#[test]
fn one_model_of_all_roles_has_a_perplexity_for_each() {
    let here = folder();
    trained(here.path(), &["--set=arrangement=multi-task"]);
    let report = measured(here.path(), &["--data=held-out.json"]);
    let roles = report["roles"].as_array().unwrap();
    let names: Vec<&str> = roles
        .iter()
        .map(|role| role["role"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["planner", "caller", "summarizer"]);
    let sum = |value: &dyn Fn(&Value) -> f64| roles.iter().map(value).sum::<f64>();
    let labels = sum(&|role| number(&role["label_tokens"]));
    let loss = sum(&|role| number(&role["loss"]) * number(&role["label_tokens"]));
    let summary = read_json(&here.path().join("made/summary.json"));
    let together = number(&summary["stages"][0]["last_validation_loss"]);
    assert!(
        is_close(loss / labels, together),
        "{} {together}",
        loss / labels
    );
}
