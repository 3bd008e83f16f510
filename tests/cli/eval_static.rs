//! `glpft eval static`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::{Outcome, folder, glpft, json, read_json, smoke};

const RUN: &str = "runs/sample";
const DATA: &str = "stages/raw_data_stage_2.json";

/// A run trained for two steps a stage, and its own data as a stage-2 file.
fn trained(directory: &Path, more: &[&str]) {
    smoke(directory, &[&["run", "sample"], more].concat()).ok();
    glpft(directory, ["data", "export", "sample", "--to=stages"]).ok();
}

fn evaluate(directory: &Path, more: &[&str]) -> Outcome {
    let data = format!("--data={DATA}");
    let few = ["eval", "static", &data, "--max-new-tokens=8", "--threads=1"];
    glpft(directory, few.iter().chain(more))
}

/// The metrics without what took how long.
fn timeless(directory: &Path) -> Value {
    let mut metrics = read_json(&directory.join("metrics.json"));
    assert!(metrics.as_object_mut().unwrap().remove("times").is_some());
    metrics
}

#[test]
fn a_run_is_evaluated_and_gone_on_with() {
    let here = folder();
    let path = here.path();
    trained(path, &[]);
    let shown = evaluate(path, &[RUN, "--limit=5", "--batch=2"]).ok();
    for part in [
        "plan_em",
        "give_up",
        "planner",
        "caller",
        "loading models",
        "of 5 conversations",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    let results = path.join(RUN).join("eval/raw_data_stage_2");
    let metrics = timeless(&results);
    let steps = metrics["counts"]["steps"].as_u64().unwrap();
    assert_eq!(metrics["roles"][0]["requests"], steps);
    assert!(metrics["roles"][0]["cached_tokens"].as_u64().unwrap() > 0);

    // `eval score` reads the same of the predictions.
    let predictions = results.join("predictions.jsonl");
    let score = ["eval", "score", predictions.to_str().unwrap(), "--json"];
    for (key, value) in json(&glpft(path, score).ok()).as_object().unwrap() {
        assert_eq!(&metrics[key], value, "{key}");
    }

    // Killed somewhere, it goes on to the same files; only what is left is answered.
    let whole = fs::read_to_string(&predictions).unwrap();
    fs::write(&predictions, &whole[..whole.len() * 2 / 3]).unwrap();
    fs::remove_file(results.join("metrics.json")).unwrap();
    let told = evaluate(path, &[RUN, "--limit=5", "--batch=2", "--json"]).ok();
    let first = json(told.lines().next().unwrap());
    assert!(first["done"].as_u64().unwrap() > 0, "{first}");
    assert_eq!(fs::read_to_string(&predictions).unwrap(), whole);
    assert_eq!(timeless(&results), metrics);

    let other = evaluate(path, &[RUN, "--limit=4", "--batch=2"]);
    other.fails(2, &["trajectories: 5, now 4", "--overwrite"]);
    evaluate(path, &[RUN, "--limit=4", "--overwrite", "--quiet"]).ok();
    // Another team in its place.
    let lr = "--set=stage.caller.lr=0.1";
    smoke(path, &["run", "sample", lr, "--out=other"]).ok();
    fs::rename(path.join(RUN).join("eval"), path.join("other/eval")).unwrap();
    evaluate(path, &["other", "--limit=4"]).fails(2, &["caller: "]);
    // Its metrics are not this run's, and the page does not show them.
    let page = || {
        glpft(path, ["report", "other"]).ok();
        fs::read_to_string(path.join("other/report.html")).unwrap()
    };
    let stale = page();
    assert!(stale.contains("The caller that was evaluated is not the one"));
    assert!(!stale.contains("Samples"));
    // Nor do they outlive their models.
    smoke(path, &["run", "sample", lr, "--out=other", "--overwrite"]).ok();
    assert!(!path.join("other/report.html").exists() && !path.join("other/eval").exists());
    assert!(page().contains("has not been evaluated"));
}

#[test]
fn a_killed_evaluation_comes_out_the_same() {
    let here = folder();
    let path = here.path();
    trained(path, &[]);
    let arguments = |out: &str| -> Vec<String> {
        let data = format!("--data={DATA}");
        [
            "eval",
            "static",
            RUN,
            &data,
            "--max-new-tokens=8",
            "--batch=1",
            "--limit=8",
            "--quiet",
            out,
        ]
        .map(str::to_owned)
        .into()
    };
    glpft(path, arguments("--out=whole")).ok();
    let mut killed = 0;
    loop {
        let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
            .current_dir(path)
            .args(arguments("--out=killed"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A little longer each time, so that it ends on any machine.
        std::thread::sleep(Duration::from_millis(150 + 40 * killed));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        match ended {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => killed += 1,
        }
    }
    let read = |out: &str| fs::read_to_string(path.join(out).join("predictions.jsonl")).unwrap();
    assert_eq!(read("whole"), read("killed"), "killed {killed} times");
    assert_eq!(
        timeless(&path.join("whole")),
        timeless(&path.join("killed"))
    );
}

#[test]
fn other_teams_are_asked_too() {
    let here = folder();
    let path = here.path();
    trained(path, &["--set=arrangement=single"]);
    evaluate(path, &[RUN, "--steps=2", "--quiet"]).ok();
    let metrics = timeless(&path.join(RUN).join("eval/raw_data_stage_2"));
    assert_eq!(metrics["roles"][0]["role"], "backbone");
    assert_eq!(metrics["counts"]["steps"], 2);

    let global = format!("{RUN}/models/global");
    let role = |role: &str| format!("--{role}={global}");
    let trio = [role("planner"), role("caller"), role("summarizer")];
    let trio: Vec<&str> = trio.iter().map(String::as_str).collect();
    evaluate(
        path,
        &[
            &trio[..],
            &["--steps=2", "--compat", "--out=trio", "--quiet"],
        ]
        .concat(),
    )
    .ok();
    assert_eq!(timeless(&path.join("trio"))["roles"][0]["role"], "planner");
    evaluate(path, &trio).fails(2, &["--out"]);
    evaluate(
        path,
        &[
            &format!("--single={global}"),
            "--steps=1",
            "--out=single",
            "--quiet",
        ],
    )
    .ok();
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let here = folder();
    let path = here.path();
    trained(path, &["--set=arrangement=single"]);
    evaluate(path, &[RUN, "--name=../out"]).fails(2, &["--name"]);
    evaluate(path, &["nowhere"]).fails(1, &["nowhere"]);
    evaluate(path, &[RUN, "--temperature=0"]).fails(2, &["--temperature"]);
    fs::write(
        path.join("untagged.json"),
        r#"[{"tools": [], "instruction": "i", "conversations": [{"from": "user", "value": "i"}]}]"#,
    )
    .unwrap();
    glpft(path, ["eval", "static", RUN, "--data=untagged.json"])
        .fails(1, &["no conversation", "Next: caller."]);
    glpft(path, ["eval", "static", RUN, "--data=absent.json"]).fails(1, &["absent.json"]);
    fs::create_dir(path.join("mine")).unwrap();
    fs::write(path.join("mine/metrics.json"), "{}").unwrap();
    evaluate(path, &[RUN, "--out=mine"]).fails(2, &["mine", "metrics.json"]);
}

#[test]
fn a_model_of_every_form_answers_alone_and_the_cache_decides_nothing() {
    let here = folder();
    let path = here.path();
    trained(path, &["--set=arrangement=mixed"]);
    let results = path.join(RUN).join("eval");
    let usual = ["--steps=4", "--batch=1", "--name=usual", "--quiet"];
    evaluate(path, &[&[RUN], &usual[..]].concat()).ok();
    let none = [
        "--steps=4",
        "--batch=1",
        "--name=none",
        "--cache=0",
        "--quiet",
    ];
    evaluate(path, &[&[RUN], &none[..]].concat()).ok();
    // What a step took aside, the same was said.
    let said = |name: &str| -> Vec<Value> {
        let lines = fs::read_to_string(results.join(name).join("predictions.jsonl")).unwrap();
        let steps = lines.lines().map(json);
        steps.map(|step| step["predictions"].clone()).collect()
    };
    assert_eq!(said("usual"), said("none"));
    let roles = |name: &str| read_json(&results.join(name).join("metrics.json"))["roles"].clone();
    assert_eq!(roles("usual")[0]["role"], "backbone");
    let cached = |name: &str| roles(name)[0]["cached_tokens"].as_u64().unwrap();
    assert!(cached("none") < cached("usual"));
}
