//! `glpft improve`.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use glpft_world::{Size, World};
use serde_json::{Value, json};

use crate::{Outcome, folder, glpft, read_json, smoke};

const TEAM: &str = "runs/team";
/// A small world of which a team that only ever gives up passes the tasks that cannot be done.
const SEED: u64 = 7;
const FEW: [&str; 10] = [
    "--world=7",
    "--size=tiny",
    "--limit=12",
    "--held-out-limit=2",
    "--samples=2",
    "--together=8",
    "--roles=planner",
    "--max-new-tokens=24",
    "--max-steps=3",
    "--threads=1",
];

fn improve(directory: &Path, more: &[&str]) -> Outcome {
    let command = ["improve", TEAM];
    glpft(directory, command.iter().chain(&FEW).chain(more))
}

/// Trajectories of tasks that are given up at once, and two that are not.
fn give_ups<'q>(queries: impl Iterator<Item = &'q str>) -> String {
    let tools = json!([{"type": "function", "function": {
        "name": "sky_for_weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {}},
    }}]);
    let thought = "Nothing leads to it.";
    let mut all: Vec<Value> = queries
        .map(|query| {
            json!({"tools": tools, "messages": [
                {"role": "user", "content": query},
                {"role": "assistant", "reasoning_content": thought, "gave_up": true},
            ]})
        })
        .collect();
    for query in [
        "How is the sky?",
        "Which colour has the sky?",
        "Is the sky blue?",
    ] {
        all.push(json!({"tools": tools, "messages": [
            {"role": "user", "content": query},
            {"role": "assistant", "reasoning_content": "I look.", "tool_calls": [{"id": "1", "type": "function",
                "function": {"name": "sky_for_weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "blue"},
            {"role": "assistant", "reasoning_content": "I know.", "content": "Blue."},
        ]}));
    }
    all.iter().map(|one| format!("{one}\n")).collect()
}

/// A team whose planner has learned to give up, in `runs/team`.
fn team<'q>(directory: &Path, queries: impl Iterator<Item = &'q str>) {
    let data = directory.join("data.jsonl");
    fs::write(&data, give_ups(queries)).unwrap();
    let run = [
        "run",
        "sample",
        "--out=runs/team",
        "--threads=1",
        "--quiet",
        "--set=data.source=data.jsonl",
        "--set=stage.max_steps=2",
        "--set=stage.planner.max_steps=60",
        "--set=stage.planner.lr=3e-3",
        "--set=stage.planner.epochs=20",
        "--set=stage.planner.checkpoint_every=10",
    ];
    glpft(directory, run).ok();
}

/// A team that has learned of another world's tasks.
fn team_of_another_world(directory: &Path) {
    let other = World::new(SEED + 1, Size::tiny());
    let queries = other.training().iter().map(|one| one.task.query.as_str());
    team(directory, queries.take(40));
}

/// Starts rounds, has them killed or asked to end at the first line that `here` knows.
fn end_at(directory: &Path, signal: &str, here: impl Fn(&Value) -> bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(directory)
        .args(["improve", TEAM, "--json", "--rounds=1"].iter().chain(&FEW))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.find(|line| here(&crate::json(line.as_ref().unwrap())));
    assert!(found.is_some(), "it ended before");
    let process = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &process])
            .status()
            .unwrap()
            .success()
    );
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
}

/// What of a run's rounds does not hang on the clock.
fn results(run: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = [
        "rounds/improve.json",
        "rounds/rounds.json",
        "rounds/rounds.md",
        "rounds/1/samples/rollouts.jsonl",
        "rounds/1/samples/verdicts.jsonl",
        "rounds/1/kept/kept.json",
        "rounds/1/recipe.toml",
        "rounds/1/data/planner.safetensors",
        "rounds/1/models/global/model.safetensors",
        "rounds/1/models/planner/model.safetensors",
        "rounds/1/models/caller/model.safetensors",
        "rounds/1/models/summarizer/model.safetensors",
        "rounds/1/eval/improve/rollouts.jsonl",
        "eval/improve/rollouts.jsonl",
    ];
    let read = |name: &str| (PathBuf::from(name), fs::read(run.join(name)).unwrap());
    files.into_iter().map(read).collect()
}

#[test]
fn a_round_keeps_what_passes_and_comes_out_the_same_however_often_it_is_killed() {
    let here = folder();
    let path = here.path();
    team_of_another_world(path);
    let run = path.join(TEAM);
    let shown = improve(path, &["--rounds=1"]).ok();
    for part in ["played by", "kept tokens", "95 %", "best: ", "rounds.md"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    let report = read_json(&run.join("rounds/rounds.json"));
    assert_eq!(report["rounds"].as_array().unwrap().len(), 2);
    let round = &report["rounds"][1];
    let kept = &round["kept"];
    assert_eq!(
        (&kept["tasks"], &kept["rollouts"]),
        (&12.into(), &24.into())
    );
    // One trajectory for each task that passed: those that cannot be done.
    let world = World::new(SEED, Size::tiny());
    let impossible = |id: &str| world.truth(id).is_some_and(|truth| !truth.solvable);
    let list = read_json(&run.join("rounds/1/kept/kept.json"));
    let trajectories = list["trajectories"].as_array().unwrap();
    assert!(!trajectories.is_empty(), "{report}");
    assert_eq!(kept["trajectories"], trajectories.len());
    assert_eq!(kept["solved"], trajectories.len());
    assert_eq!(kept["new"], trajectories.len());
    for one in trajectories {
        assert!(impossible(one["task"].as_str().unwrap()), "{one}");
        let file = one["answer_file"].as_str().unwrap();
        assert!(run.join("rounds/1/kept").join(file).is_file(), "no {file}");
    }
    assert!(round["kept_tokens"].as_u64() > Some(0) && round["computed_tokens"].as_u64() > Some(0));
    assert_eq!(round["held_out"]["tasks"], 12);
    assert_eq!(report["rounds"][0]["held_out"]["tasks"], 12);

    // A round is a run: with the data of both, and the roles that were not improved as they were.
    let of_round = ["run", "runs/team/rounds/1", "--quiet"];
    glpft(path, of_round).ok();
    let status = glpft(path, ["status", "runs/team/rounds/1"]).ok();
    assert!(status.contains("finished"), "{status}");
    let recipe = fs::read_to_string(run.join("rounds/1/recipe.toml")).unwrap();
    assert!(
        recipe.contains("data.jsonl") && recipe.contains("round-1"),
        "{recipe}"
    );
    let same = |role: &str| {
        let model = |run: &Path| fs::read(run.join("models").join(role).join("model.safetensors"));
        model(&run).unwrap() == model(&run.join("rounds/1")).unwrap()
    };
    assert!(same("global") && same("caller") && same("summarizer") && !same("planner"));

    // Killed while it plays, asked to end while it trains, killed while it is measured.
    let whole = results(&run);
    fs::remove_dir_all(run.join("rounds")).unwrap();
    fs::remove_dir_all(run.join("eval")).unwrap();
    end_at(path, "-KILL", |line| line["event"] == "rollout");
    end_at(path, "-TERM", |line| line["event"] == "step");
    end_at(path, "-KILL", |line| {
        line["event"] == "measuring" && line["round"] == 1
    });
    improve(path, &["--rounds=1", "--quiet"]).ok();
    for ((name, one), (_, other)) in whole.iter().zip(results(&run)) {
        assert!(*one == other, "{} is another", name.display());
    }

    // Other settings are other rounds; more of them go on.
    improve(path, &["--weight=2"]).fails(2, &["weight", "--overwrite"]);
    improve(path, &["--rounds=2", "--quiet"]).ok();
    let more = read_json(&run.join("rounds/rounds.json"));
    assert_eq!(more["rounds"][1], report["rounds"][1]);
    assert_eq!(more["rounds"].as_array().unwrap().len(), 3);

    // Moved, they are the same: nothing is trained again.
    let model = fs::metadata(run.join("rounds/1/models/planner/model.safetensors")).unwrap();
    let moved = path.join("runs/moved");
    fs::rename(&run, &moved).unwrap();
    let command = ["improve", "runs/moved", "--rounds=2", "--quiet"];
    glpft(path, command.iter().chain(&FEW)).ok();
    assert_eq!(read_json(&moved.join("rounds/rounds.json")), more);
    let again = fs::metadata(moved.join("rounds/1/models/planner/model.safetensors")).unwrap();
    assert_eq!(again.modified().unwrap(), model.modified().unwrap());
}

#[test]
fn a_round_that_has_nothing_to_learn_ends_with_a_word() {
    let here = folder();
    let path = here.path();
    // A model that has learned nothing passes nothing.
    smoke(path, &["run", "sample", "--out=runs/team"]).ok();
    let told = improve(path, &["--rounds=2"]);
    assert!(
        told.err
            .contains("round 1 has nothing to learn: none of 24 rollouts"),
        "{}",
        told.err
    );
    assert!(told.ok().contains("best: the run itself"));
    let report = read_json(&path.join(TEAM).join("rounds/rounds.json"));
    assert_eq!(report["rounds"].as_array().unwrap().len(), 2);
    assert!(
        report["ended"].as_str().unwrap().contains("--samples"),
        "{report}"
    );
    assert!(!path.join(TEAM).join("rounds/1/models").exists());

    // One that has learned of all the tasks that it plays has nothing new to learn.
    fs::remove_dir_all(path.join("runs")).unwrap();
    let world = World::new(SEED, Size::tiny());
    let queries = world.training().iter().map(|one| one.task.query.as_str());
    team(
        path,
        queries
            .take(12)
            .collect::<Vec<_>>()
            .into_iter()
            .cycle()
            .take(48),
    );
    let told = improve(path, &["--temperature=0.01"]);
    assert!(
        told.err.contains("nothing is new"),
        "{}\n{}",
        told.out,
        told.err
    );
    told.ok();
}

#[test]
fn what_cannot_be_improved_is_told_before_anything_is_played() {
    let here = folder();
    let path = here.path();
    smoke(path, &["run", "sample", "--out=runs/team"]).ok();
    // The sample's test query, and what it was trained on but for what it holds out.
    let source = crate::raw_source(path).join("answer/G1_answer");
    let query = |name: &str| {
        let answer = read_json(&source.join(name));
        answer["answer_generation"]["query"].clone()
    };
    let list = |name: &str, queries: &[Value]| {
        let tasks = queries.iter().enumerate();
        let tasks: Vec<Value> = tasks
            .map(|(id, query)| json!({"query": query, "query_id": id, "api_list": []}))
            .collect();
        fs::write(path.join(name), Value::from(tasks).to_string()).unwrap();
    };
    let of = |id: usize| query(&format!("{id}_ChatGPT_DFS_woFilter_w2.json"));
    list("tested.json", &[of(60)]);
    list("trained.json", &[10, 11, 12, 13].map(of));
    list("other.json", &["Which flowers grow on the moon?".into()]);
    fs::create_dir_all(path.join("cache/Weather")).unwrap();
    let refused = |tasks: &str, held_out: &str, parts: &[&str]| {
        let (tasks, held_out) = (format!("--tasks={tasks}"), format!("--held-out={held_out}"));
        let more = [
            "improve",
            TEAM,
            &tasks,
            &held_out,
            "--server=cache",
            "--judge=http",
            "--judge-model=m",
            "--judge-url=http://127.0.0.1:9/v1",
        ];
        glpft(path, more).fails(2, parts);
    };
    refused(
        "other.json",
        "other.json",
        &["1 of 1 training tasks are held out, too", "the moon"],
    );
    refused(
        "tested.json",
        "other.json",
        &["1 of 1 training tasks are test queries"],
    );
    refused(
        "other.json",
        "trained.json",
        &["of 4 held-out tasks are trained on"],
    );
    let alone = glpft(
        path,
        ["improve", TEAM, "--tasks=other.json", "--server=cache"],
    );
    alone.fails(2, &["--held-out"]);
    assert!(!path.join(TEAM).join("rounds").exists());

    for (more, told) in [
        (&["--temperature=0"][..], "--temperature"),
        (&["--weight=0"], "--weight"),
        (&["--top-p=2"], "--top-p"),
    ] {
        improve(path, more).fails(2, &[told]);
    }
    fs::create_dir(path.join(TEAM).join("rounds")).unwrap();
    fs::write(path.join(TEAM).join("rounds/thesis.txt"), "mine").unwrap();
    improve(path, &[]).fails(2, &["thesis.txt", "move it away"]);
    let made = |more: &[&str]| {
        fs::remove_dir_all(path.join("runs")).unwrap();
        smoke(
            path,
            &[&["run", "sample", "--out=runs/team"], more].concat(),
        )
        .ok();
    };
    made(&["--set=arrangement=single"]);
    improve(path, &[]).fails(2, &["\"single\"", "no local stages"]);
    made(&["--set=stage.planner.tune=lora"]);
    improve(path, &["--from=last"]).fails(2, &["--from", "planner", "adapter", "--from global"]);
    fs::remove_dir_all(path.join(TEAM).join("models/caller")).unwrap();
    improve(path, &[]).fails(2, &["stage caller", "not finished", "glpft run"]);
}
