//! `glpft eval live` and `glpft agent run`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Outcome, folder, glpft, json, read_json, smoke};

const RUN: &str = "runs/sample";
/// Six tasks of a small world, and models that say no more than a few tokens.
const FEW: [&str; 6] = [
    "--world=7",
    "--size=tiny",
    "--limit=1",
    "--max-new-tokens=6",
    "--max-steps=3",
    "--threads=1",
];

fn live(directory: &Path, more: &[&str]) -> Outcome {
    let command = ["eval", "live", RUN];
    glpft(directory, command.iter().chain(&FEW).chain(more))
}

#[test]
fn a_run_works_on_a_world_is_judged_gone_on_with_and_shown() {
    let here = folder();
    let path = here.path();
    smoke(path, &["run", "sample"]).ok();
    let shown = live(path, &["--together=2"]).ok();
    for part in [
        "6 tasks by CoT@1",
        "judge: offline",
        "pass rate",
        "G3_instruction",
        "average",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    let results = path.join(RUN).join("eval/live-react");
    let report = read_json(&results.join("live.json"));
    assert_eq!(report["tasks"], 6);

    // Killed somewhere, it goes on to the same files.
    let names = ["rollouts.jsonl", "verdicts.jsonl", "live.json"];
    let read = || names.map(|name| fs::read_to_string(results.join(name)).unwrap());
    let whole = read();
    fs::write(results.join(names[0]), &whole[0][..whole[0].len() * 2 / 3]).unwrap();
    fs::remove_file(results.join(names[2])).unwrap();
    let told = live(path, &["--together=2", "--json"]).ok();
    let lines: Vec<Value> = told.lines().map(json).collect();
    assert!(
        (2..6).contains(&lines[0]["done"].as_u64().unwrap()),
        "{told}"
    );
    assert_eq!(lines.last().unwrap()["live"], report);
    assert_eq!(read(), whole);

    // Asked in other words it is another evaluation.
    let words = include_str!("../../data/src/prompts.toml").replace("format", "form");
    fs::write(path.join("words.toml"), words).unwrap();
    live(path, &["--prompts=words.toml"]).fails(2, &["prompts", "--overwrite"]);
    // Another world's tasks have the same ids.
    let reference = results.display().to_string();
    let command = ["eval", "live", RUN, "--world=8", "--name=other"];
    let against = ["--reference", &reference];
    glpft(path, command.iter().chain(&FEW[1..]).chain(&against))
        .fails(1, &["no rollout of task", "the same tasks"]);

    // Another strategy stands beside it, and may be compared with it.
    let shown = live(path, &["--strategy=dfsdt", "--reference", &reference]).ok();
    assert!(shown.contains("win rate"), "{shown}");
    let report = path.join(RUN).join("eval/live-dfsdt/live.json");
    assert_eq!(read_json(&report)["reference"], "live-react");
    glpft(path, ["report", RUN]).ok();
    let page = fs::read_to_string(path.join(RUN).join("report.html")).unwrap();
    for part in ["Pass rate, DFS_woFilter_w2", "judged offline", "live-react"] {
        assert!(page.contains(part), "no {part:?} on the page");
    }
}

#[test]
fn an_agent_shows_its_steps_and_leaves_answer_files() {
    let here = folder();
    let path = here.path();
    smoke(path, &["run", "sample"]).ok();
    let command = ["agent", "run", RUN, "--group=G1_tool", "--out=answers"];
    let shown = glpft(path, command.iter().chain(&FEW)).ok();
    assert!(shown.contains("1 answer file"), "{shown}");
    let file = fs::read_dir(path.join("answers")).unwrap().next().unwrap();
    let answer = read_json(&file.unwrap().path());
    assert!(answer["answer_generation"]["query"].is_string());
    // What cannot be written to is told before anything is asked.
    fs::write(path.join("file"), "").unwrap();
    let command = ["agent", "run", RUN, "--out=file"];
    let told = glpft(path, command.iter().chain(&FEW));
    assert_eq!(told.out, "");
    told.fails(1, &["create the folder", "file"]);
    let query = ["agent", "run", RUN, "--query=Which day is it?", "--json"];
    let own = ["--out=own", "--functions=3"];
    let told = glpft(path, query.iter().chain(&own).chain(&FEW));
    let last: Value = json(told.ok().lines().last().unwrap());
    assert_eq!(
        (&last["event"], &last["query"]),
        (&"rollout".into(), &"Which day is it?".into())
    );
    let file = fs::read_dir(path.join("own")).unwrap().next().unwrap();
    let answer = read_json(&file.unwrap().path());
    let functions = answer["answer_generation"]["function"].as_array().unwrap();
    // And `Finish`.
    assert_eq!(functions.len(), 4);
}

#[test]
fn what_does_not_fit_together_is_told() {
    let here = folder();
    let path = here.path();
    fs::write(
        path.join("tasks.json"),
        "[{\"query\": \"q\", \"query_id\": 1, \"api_list\": []}]",
    )
    .unwrap();
    fs::create_dir_all(path.join("cache/Weather")).unwrap();
    smoke(path, &["run", "sample"]).ok();
    for (arguments, told) in [
        (&["--world=1", "--group=G9"][..], "--group"),
        (&["--world=1", "--judge=http"], "--judge-model"),
        (
            &[
                "--world=1",
                "--judge=http",
                "--judge-model=m",
                "--judge-key=GLPFT_NO_SUCH_KEY",
            ],
            "GLPFT_NO_SUCH_KEY",
        ),
        (
            &[
                "--world=1",
                "--judge=http",
                "--judge-model=m",
                "--judge-url=nowhere",
            ],
            "http://",
        ),
        (&["--tasks=tasks.json"], "--server"),
        (&["--tasks=tasks.json", "--server=cache"], "--judge"),
        (&["--world=1", "--strategy=best"], "is not a strategy"),
        (&["--world=1", "--size=huge"], "tiny"),
        (&["--world=1", "--name=../x"], "--name"),
        (&["--world=1", "--max-time=nan"], "--max-time"),
        (&["--world=1", "--max-time=1e19"], "a year"),
        (&["--world=1", "--max-time=0"], "more than 0"),
        (&["--world=1", "--server-timeout=3"], "--server"),
        (&[], "--world"),
    ] {
        let outcome = glpft(path, ["eval", "live", RUN].iter().chain(arguments));
        outcome.fails(2, &[told]);
    }
    assert!(!path.join(RUN).join("eval").exists());
}

/// The server's address is `http://HOST:PORT/v1`.
#[cfg(unix)]
#[test]
fn a_served_team_is_another_ones_role_or_a_rival_and_the_reference_of_win_rates() {
    use crate::serve::Served;
    let here = folder();
    let path = here.path();
    smoke(path, &["run", "sample"]).ok();
    let served = Served::start(path, &["serve", RUN, "--model=mine", "--threads=1"]);
    let of = |arguments: &[&str]| {
        let command = ["eval", "live"];
        glpft(path, command.iter().chain(arguments).chain(&FEW))
    };
    // Two roles there, one here: the same rollouts as with all of them here.
    let [planner, summarizer] =
        ["planner", "summarizer"].map(|role| format!("--{role}={}#{role}", served.url));
    let caller = format!("--caller={RUN}");
    let context = "--model-context=4096";
    let mixed = [&*planner, &caller, &summarizer, context, "--out=mixed"];
    let shown = of(&mixed).ok();
    assert!(shown.contains("6 tasks by CoT@1"), "{shown}");
    let report = read_json(&path.join("mixed/live.json"));
    assert!(report["model_calls"]["made"].as_u64() > Some(6), "{report}");
    assert_eq!(report["model_calls"]["failed"], Value::Null);
    let about = report["evaluation"]["about"]["planner"].as_str().unwrap();
    assert!(about.ends_with("#planner"), "{about}");
    of(&[RUN, "--out=local"]).ok();
    let rollouts = |out: &str| {
        let text = fs::read_to_string(path.join(out).join("rollouts.jsonl")).unwrap();
        let lines = text.lines().map(|line| {
            let mut rollout = json(line);
            rollout.as_object_mut().unwrap().remove("usage");
            rollout
        });
        lines.collect::<Vec<Value>>()
    };
    assert_eq!(rollouts("mixed"), rollouts("local"));
    // The whole team there, asked to play by its own tool calls.
    let agent = format!("--agent={}#mine", served.url);
    of(&[&agent, "--out=rival"]).ok();
    assert_eq!(read_json(&path.join("rival/live.json"))["tasks"], 6);
    let shown = of(&[RUN, "--reference=rival", "--out=against"]).ok();
    assert!(shown.contains("win rate"), "{shown}");
    // And step by step, after the data's own histories.
    glpft(path, ["data", "export", "sample", "--to=stages"]).ok();
    let by_steps = |more: &[&str]| {
        let data = "--data=stages/raw_data_stage_2.json";
        let few = [
            "eval",
            "static",
            &agent,
            data,
            "--steps=3",
            "--max-new-tokens=8",
        ];
        glpft(path, few.iter().chain(more))
    };
    let shown = by_steps(&["--out=steps"]).ok();
    assert!(shown.contains("agent"), "{shown}");
    let report = read_json(&path.join("steps/metrics.json"));
    assert_eq!(report["roles"][0]["role"], "agent");
    assert_eq!(report["roles"][0]["requests"], 3);
    by_steps(&["--out=compat", "--compat"]).fails(2, &["--compat"]);
    by_steps(&[]).fails(2, &["--out"]);
    assert_eq!(served.end(), Some(0));
    // Where it is gone, what is done is done, and the rest is told.
    let again = of(&[&agent, "--out=rival"]).ok();
    assert!(again.contains("6 tasks"), "{again}");
    of(&[&agent, "--out=other"]).fails(1, &["cannot be reached"]);
    of(&["--agent=http://127.0.0.1:1/v1", "--out=x"]).fails(2, &["names no model"]);
}
