//! `glpft study`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Outcome, folder, glpft, json, raw_source, read_json, set};

/// The sample's test queries as conversations: none of them is trained on.
pub(crate) fn held_out(directory: &Path) -> PathBuf {
    let source = raw_source(directory);
    fs::remove_dir_all(source.join("test_query_ids")).unwrap();
    let export = |to: &str, more: &[String]| -> Vec<Value> {
        let command = ["data", "export", "sample", "--quiet", "--to", to].map(str::to_owned);
        glpft(directory, command.iter().chain(more)).ok();
        let file = directory.join(to).join("raw_data_stage_2.json");
        json(&fs::read_to_string(file).unwrap())
            .as_array()
            .unwrap()
            .clone()
    };
    let trained = export("trained", &[]);
    let mut all = export("all", &[set("data.source", &source)]);
    all.retain(|one| {
        trained
            .iter()
            .all(|other| one["instruction"] != other["instruction"])
    });
    assert!(all.len() >= 2, "{}", all.len());
    let path = directory.join("held-out.json");
    fs::write(&path, Value::from(all).to_string()).unwrap();
    path
}

/// Two shares, two steps a stage, two conversations to be measured on.
const SMALL: [&str; 10] = [
    "study",
    "sample",
    "--eval=held-out.json",
    "--fractions=0.25,0.5",
    "--seeds=1",
    "--max-steps=2",
    "--eval-conversations=2",
    "--max-new-tokens=8",
    "--threads=1",
    "--json",
];

fn study(directory: &Path, more: &[&str]) -> Outcome {
    glpft(directory, SMALL.iter().chain(more))
}

/// Starts a study, asks it to end at the first line that `here` knows, and gives the exit code and stderr.
fn interrupt(directory: &Path, more: &[&str], here: impl Fn(&Value) -> bool) -> (i32, String) {
    interrupt_any(directory, &[&SMALL[1..], more].concat(), here)
}

/// The same of a study with all of these arguments.
fn interrupt_any(
    directory: &Path,
    arguments: &[&str],
    here: impl Fn(&Value) -> bool,
) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(directory)
        .arg(SMALL[0])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.find(|line| here(&json(line.as_ref().unwrap())));
    assert!(found.is_some(), "the study ended before");
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &process]).status();
    assert!(sent.unwrap().success());
    // Read to its end: a full pipe would hold the program up.
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap_or(-1), told)
}

/// What of a report does not hang on the clock.
fn results(directory: &Path, study: &str) -> Value {
    let report = read_json(&directory.join(study).join("report.json"));
    let cells = report["cells"].as_array().unwrap().iter();
    let scores: Vec<Value> = cells
        .map(|cell| {
            let metrics = cell["score"]["metrics"].clone();
            let steps = cell["score"]["steps"].clone();
            let played = cell["score"]["played"].clone();
            Value::from(vec![cell["directory"].clone(), metrics, steps, played])
        })
        .collect();
    Value::from(vec![report["rows"].clone(), Value::from(scores)])
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn an_interrupted_study_comes_out_as_an_uninterrupted_one() {
    let here = folder();
    held_out(here.path());
    let three = "--arrangements=single,glpft-no-reuse,glpft";
    let told = study(here.path(), &[three, "--out=whole"]).ok();
    assert!(told.contains("\"event\":\"report\""), "{told}");

    // In training, in the middle of a cell; then after a cell.
    let stopped = [three, "--out=stopped"];
    for event in ["step", "scored"] {
        let at = |line: &Value| {
            line["event"] == event && (event != "step" || line["stage"] == "planner")
        };
        let (code, told) = interrupt(here.path(), &stopped, at);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("the same command again"), "{told}");
    }
    study(here.path(), &stopped).ok();
    assert_eq!(
        results(here.path(), "whole"),
        results(here.path(), "stopped")
    );
    for model in ["glpft/models/summarizer", "single/models/global"] {
        let read = |study: &str| {
            let run = format!("{study}/runs/random/0.5/seed-42/{model}/model.safetensors");
            fs::read(here.path().join(run)).unwrap()
        };
        assert!(read("whole") == read("stopped"), "{model}");
    }

    // The backbone was trained once for both, and no other time.
    let runs = here.path().join("whole/runs/random/0.25/seed-42");
    let global = |run: &str| inode(&runs.join(run).join("models/global/model.safetensors"));
    assert_eq!(global("single"), global("glpft"));
    assert_ne!(global("single"), global("glpft-no-reuse"));

    // The report says what was done.
    let report = read_json(&here.path().join("whole/report.json"));
    assert_eq!(report["cost"]["stages_trained"], 2 * (4 + 4));
    assert_eq!(report["cost"]["stages_shared"], 2);
    assert_eq!(report["held_out_conversations"], 2);
    let queries: Vec<f64> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["queries"].as_f64().unwrap())
        .collect();
    assert!(queries[0] < queries[5], "{queries:?}");
    let text = fs::read_to_string(here.path().join("whole/report.md")).unwrap();
    for part in [
        "| Single-LLM |",
        "| GLPFT without reuse |",
        "Plan ACC",
        "## random: shares",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let curve = fs::read_to_string(here.path().join("whole/curves/random.plan_em.svg")).unwrap();
    assert!(curve.starts_with("<svg") && curve.contains("GLPFT without reuse"));
    assert!(text.contains("(curves/random.plan_em.svg)"));

    // A cell is a run like any other.
    let run = runs.join("glpft");
    let run = run.to_str().unwrap();
    let exported = ["export", run, "--role=planner", "--to=planner", "--quiet"];
    glpft(here.path(), exported).ok();
    let evaluated = ["eval", "static", run, "--data=held-out.json", "--steps=1"];
    glpft(
        here.path(),
        evaluated.iter().chain(&["--max-new-tokens=4", "--quiet"]),
    )
    .ok();
    let again = glpft(here.path(), ["run", run, "--max-steps=2"]);
    assert!(again.err.contains("is finished"), "{}", again.err);

    // What is there is used; an arrangement and a seed more cost what is new alone.
    let more = [
        "--arrangements=single,multi-task",
        "--fractions=0.5",
        "--out=whole",
    ];
    let mut small = SMALL.to_vec();
    small.retain(|argument| !argument.starts_with("--fractions"));
    let told = glpft(here.path(), small.iter().chain(&more)).ok();
    let events: Vec<Value> = told.lines().map(json).collect();
    let started: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "start" && event["stage"] != Value::Null)
        .map(|event| &event["stage"])
        .collect();
    assert_eq!(started, ["global"], "multi-task's alone");
    let scored = |earlier: bool| {
        let of = events.iter().filter(|event| event["event"] == "scored");
        of.filter(|event| event["earlier"] == earlier).count()
    };
    assert_eq!((scored(true), scored(false)), (1, 1));
}

#[test]
fn teams_play_tasks_and_go_on_with_them() {
    let here = folder();
    held_out(here.path());
    let mut playing = SMALL.to_vec();
    playing.retain(|argument| !argument.starts_with("--fractions"));
    playing.extend([
        "--arrangements=single,one-stage",
        "--fractions=0.25",
        "--world=7",
        "--size=tiny",
        "--strategy=react,CoT@2,react",
        "--tasks=1",
    ]);
    let whole = glpft(here.path(), playing.iter().chain(&["--out=whole"])).ok();
    assert!(whole.contains("\"event\":\"rollout\""), "{whole}");
    // After the tasks of one strategy, and of another cell.
    let stopped = [&playing[1..], &["--out=stopped"]].concat();
    for cell in ["scored", "rollout"] {
        let at = |line: &Value| line["event"] == cell;
        let (code, told) = interrupt_any(here.path(), &stopped, at);
        assert_eq!(code, 1, "{told}");
    }
    glpft(here.path(), playing.iter().chain(&["--out=stopped"])).ok();
    assert_eq!(
        results(here.path(), "whole"),
        results(here.path(), "stopped")
    );
    let report = read_json(&here.path().join("whole/report.json"));
    assert_eq!(report["held_out_tasks"]["tasks"], 6);
    let of_single = &report["rows"][0]["played"];
    assert_eq!(of_single[0]["strategy"], "react");
    assert_eq!(of_single[1]["strategy"], "CoT@2");
    assert!(of_single[0]["pass"]["interval"].is_null(), "{of_single}");
    let one_stage = &report["rows"][1]["played"][0];
    assert!(one_stage["pass_above_single"]["mean"].is_number());
    let outcomes = &report["cells"][1]["score"]["played"][1]["outcomes"];
    assert_eq!(outcomes.as_object().unwrap().len(), 6);
    let text = fs::read_to_string(here.path().join("whole/report.md")).unwrap();
    for part in [
        "passed, react",
        "given up, CoT@2",
        "of 6 held-out tasks of world 7",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(text.contains("(figures/arrangements.passed-react.random.svg)"));
    let rollouts = |study: &str| {
        let run = format!("{study}/runs/random/0.25/seed-42/one-stage/eval/study-CoT@2");
        fs::read(here.path().join(run).join("rollouts.jsonl")).unwrap()
    };
    assert!(rollouts("whole") == rollouts("stopped"));
}

#[test]
fn arrangements_compute_as_many_tokens_where_that_is_asked_for() {
    let here = folder();
    held_out(here.path());
    let mut equal = SMALL.to_vec();
    equal.retain(|argument| !argument.starts_with("--fractions"));
    equal.extend([
        "--arrangements=single,multi-task,glpft-no-reuse,glpft",
        "--fractions=0.5",
        "--budget=stages,tokens",
        "--split=0,40",
        "--eval-steps=1",
        "--out=s",
    ]);
    // Counted once: what a stopped start counted, the next one takes.
    let at = |line: &Value| line["event"] == "scored";
    let (code, told) = interrupt_any(here.path(), &equal[1..], at);
    assert_eq!(code, 1, "{told}");
    let counted = read_json(&here.path().join("s/study.json"))["lengths"].clone();
    assert_eq!(counted.as_object().unwrap().len(), 5);
    glpft(here.path(), &equal).ok();
    assert_eq!(
        read_json(&here.path().join("s/study.json"))["lengths"],
        counted
    );

    let report = read_json(&here.path().join("s/report.json"));
    let rows = report["rows"].as_array().unwrap();
    let row = |arrangement: &str, budget: Value| {
        let mut rows = rows.iter();
        rows.find(|row| row["arrangement"] == arrangement && row["budget"] == budget)
            .unwrap()
    };
    let computed = |row: &Value| row["computed_tokens"].as_f64().unwrap();
    let total = computed(row("glpft", "stages".into()));
    let split = serde_json::json!({"split": 40});
    for (arrangement, budget) in [
        ("single", "tokens".into()),
        ("multi-task", "tokens".into()),
        ("one-stage", "tokens".into()),
        ("glpft-no-reuse", "tokens".into()),
        ("glpft", "tokens".into()),
        ("glpft", split.clone()),
    ] {
        let row = row(arrangement, budget);
        // As near as steps allow: the mean one here.
        let step = computed(row) / row["steps"].as_f64().unwrap();
        assert!((computed(row) - total).abs() <= step, "{total} {row}");
    }
    assert!(computed(row("single", "stages".into())) < 0.7 * total);
    let share = row("glpft", split)["global_share"].as_f64().unwrap();
    assert!((share - 0.4).abs() < 0.15, "{share}");
    assert_eq!(row("one-stage", "tokens".into())["global_share"], 0.0);
    // GLPFT is the measure: it is neither trained nor measured twice.
    let metrics = |budget: &str| row("glpft", budget.into())["metrics"].to_string();
    assert_eq!(
        metrics("stages").replace("true", "false"),
        metrics("tokens").replace("true", "false")
    );
    let model = |cell: &str| {
        let run = format!("s/runs/random/0.5/seed-42/{cell}/models/caller/model.safetensors");
        inode(&here.path().join(run))
    };
    assert_eq!(model("glpft"), model("glpft-equal-tokens"));
    let text = fs::read_to_string(here.path().join("s/report.md")).unwrap();
    for part in [
        "Single-LLM, equal tokens",
        "GLPFT, 40 % global",
        "(figures/split.random.svg)",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn shards_together_are_the_whole_study() {
    let here = folder();
    held_out(here.path());
    let three = "--arrangements=single,glpft-no-reuse,glpft";
    study(here.path(), &[three, "--out=whole"]).ok();

    let shard = |number: usize, more: &[&str]| {
        let shard = format!("--shard={number}/3");
        Command::new(env!("CARGO_BIN_EXE_glpft"))
            .current_dir(here.path())
            .args(SMALL)
            .args([three, "--out=shared", &shard])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    // Alone, a shard trains its own cells and writes the tables of these.
    let first = shard(1, &[]).wait_with_output().unwrap();
    let told = String::from_utf8(first.stderr).unwrap();
    assert!(first.status.success(), "{told}");
    let report = read_json(&here.path().join("shared/report.json"));
    assert_eq!(report["cells"].as_array().unwrap().len(), 2, "{report}");
    // A stage that both others need is trained by one of them; the one that ends last writes all tables.
    let others = [shard(2, &[]), shard(3, &[])].map(|child| child.wait_with_output().unwrap());
    for other in others {
        let told = String::from_utf8(other.stderr).unwrap();
        assert!(other.status.success(), "{told}");
    }
    let table = |study: &str| {
        let text = fs::read_to_string(here.path().join(study).join("report.md")).unwrap();
        // All but what it took.
        let lines = text.lines().filter(|line| !line.contains(" s "));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        results(here.path(), "whole"),
        results(here.path(), "shared")
    );
    assert_eq!(table("whole"), table("shared"));
    let runs = here.path().join("shared/runs/random/0.25/seed-42");
    let global = |run: &str| inode(&runs.join(run).join("models/global/model.safetensors"));
    assert_eq!(global("single"), global("glpft"));

    // The same command without a shard finds all done.
    let told = study(here.path(), &[three, "--out=shared"]).ok();
    assert!(!told.contains("\"event\":\"step\""), "{told}");
    assert_eq!(table("whole"), table("shared"));
    // While a shard is at work, the whole study is not begun.
    let lease = crate::ownership::hold(&here.path().join("shared"), "shard-1-of-3");
    let parts = ["shared", "at work"];
    study(here.path(), &[three, "--out=shared"]).fails(1, &parts);
    let again = shard(1, &[]).wait_with_output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    drop(lease);
    study(here.path(), &["--shard=4/3"]).fails(2, &["--shard", "I/N"]);
}

#[test]
fn what_is_trained_on_is_not_held_out() {
    let here = folder();
    held_out(here.path());
    let seen = "--eval=trained/raw_data_stage_2.json";
    let mut small = SMALL.to_vec();
    small.retain(|argument| !argument.starts_with("--eval"));
    let refused = glpft(here.path(), small.iter().chain(&[seen, "--out=s"]));
    let told = refused.fails(
        2,
        &["held-out conversations", "is trained on", "leave them out"],
    );
    let first = read_json(&here.path().join("trained/raw_data_stage_2.json"));
    let named = first.as_array().unwrap().iter().any(|one| {
        let instruction: String = one["instruction"]
            .as_str()
            .unwrap()
            .chars()
            .take(20)
            .collect();
        told.contains(&instruction)
    });
    assert!(named, "{told}");
    assert!(!here.path().join("s").exists(), "nothing is begun");
}

#[test]
fn a_study_keeps_to_its_recipe_and_its_place() {
    let here = folder();
    held_out(here.path());
    let one = ["--arrangements=single", "--out=s"];
    study(here.path(), &one).ok();
    study(here.path(), &[one[0], one[1], "--set=stage.global.lr=1e-3"])
        .fails(2, &["another study", "stage.global.lr"]);
    study(here.path(), &[one[0], one[1], "--set=arrangement=single"])
        .fails(2, &["--set", "--arrangements"]);
    let run = "s/runs/random/0.25/seed-42/single";
    // A study does not go on in spite of differences, and so does not advise it.
    let recipe = here.path().join(run).join("recipe.toml");
    let text = fs::read_to_string(&recipe).unwrap();
    fs::write(&recipe, text.replace("\nseed = 42", "\nseed = 41")).unwrap();
    let told = study(here.path(), &one).fails(2, &[run, "seed = 41 there", "remove that folder"]);
    assert!(!told.contains("--resume-anyway"), "{told}");
    fs::write(&recipe, text).unwrap();
    study(here.path(), &[one[0], "--out", run]).fails(2, &[run, "holds a run"]);
    study(here.path(), &[one[0], "--fractions=0"]).fails(2, &["error: "]);
    // Other limits measure anew, and train nothing.
    let told = study(here.path(), &[one[0], one[1], "--eval-steps=1"]);
    assert!(
        told.code == 0 && !told.out.contains("\"event\":\"step\""),
        "{}",
        told.err
    );
}

#[test]
fn a_dry_run_tells_what_is_trained_and_shared() {
    let here = folder();
    held_out(here.path());
    let told = json(&study(here.path(), &["--dry-run", "--out=s"]).ok());
    assert_eq!(told["cells"], 10);
    assert_eq!(told["shared"], 2);
    let stages = told["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 24);
    assert_eq!(stages[0]["shared_with"][0], "glpft");
    let tokens: u64 = stages
        .iter()
        .map(|one| one["about_tokens"].as_u64().unwrap())
        .sum();
    assert_eq!(told["about_tokens"].as_u64(), Some(tokens));
    assert!(!here.path().join("s").exists());
}
