//! Answer files: ToolBench's keys, and what is read back of them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

mod support;

use std::ops::ControlFlow;
use std::path::Path;

use glpft_agent::{
    Asked, Policy, PolicyMessage, Rollout, RolloutEnd, RolloutObserver, RolloutSettings, Search,
    SearchSettings, Strategy, run_rollouts,
};
use serde_json::Value;
use support::{Scripted, Tools, call, demands, failed, random_step, read_back, run, task, turns};

#[test]
fn files_read_back_as_what_the_policy_saw() {
    let mut compared = 0;
    for seed in 0..60 {
        for strategy in [
            Strategy::React { chains: 2 },
            Strategy::DFSDT,
            "DFS_wFilter_w3".parse().unwrap(),
        ] {
            let mut policy = Scripted::new(|asked: &Asked<'_>| random_step(seed, asked.count, 9));
            let tools = failed();
            let mut search = Search::new(task("7"), SearchSettings::published(strategy));
            let mut last = Vec::new();
            while let Some(asked) = search.pending() {
                let said = policy.say(&[asked]).unwrap().remove(0);
                let asked = policy.asked.last().unwrap().1.clone();
                if let Some(step) = search.advance(said, &tools) {
                    last.push((step.clone(), asked));
                }
            }
            let rollout = search.finish();
            assert!(rollout.query_count <= 200);
            let Some(read) = read_back(&rollout, strategy) else {
                assert_eq!(rollout.end, RolloutEnd::Nothing);
                continue;
            };
            // Steps without a thought may be alike; one of them is the end.
            let end = rollout.path.last().unwrap();
            let mut ends = last.iter().filter(|(step, _)| step == end);
            let found = ends.any(|(_, asked)| read == turns(asked, &rollout));
            assert!(found, "{seed} {strategy} {read:?}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Keys of the objects on the way down first children, in order.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

#[test]
fn trees_have_the_keys_of_real_files() {
    let fixtures = std::env::var_os("GLPFT_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        Into::into,
    );
    let real =
        fixtures.join("data/toolbench-sample/answer/G2_answer/119_ChatGPT_DFS_woFilter_w2.json");
    let Ok(real) = std::fs::read_to_string(&real) else {
        println!("skipped: not found: {}", real.display());
        return;
    };
    let real: Value = serde_json::from_str(&real).unwrap();
    let script = |asked: &Asked<'_>| match demands(asked.turns) {
        0 if asked.turns.len() == 1 => call("broken"),
        _ => PolicyMessage::give_up(Some("No.")),
    };
    let settings = SearchSettings::published(Strategy::DFSDT);
    let (rollout, _) = run(script, &failed(), &settings);
    let ours = &rollout.answer_file;
    assert_eq!(keys(ours), keys(&real));
    assert_eq!(keys(&ours["forward_args"]), keys(&real["forward_args"]));
    assert_eq!(keys(&ours["tree"]), keys(&real["tree"]));
    assert_eq!(
        keys(&ours["answer_generation"]),
        keys(&real["answer_generation"])
    );
    let functions = |file: &Value| {
        let functions = file["answer_generation"]["function"].as_array().unwrap();
        let (first, last) = (&functions[0], &functions[functions.len() - 1]);
        (
            keys(first),
            keys(&first["parameters"]),
            keys(last),
            last["name"].clone(),
        )
    };
    assert_eq!(functions(ours), functions(&real));
    let (mut node, mut other) = (&ours["tree"]["tree"], &real["tree"]["tree"]);
    for _ in 0..4 {
        let order = |node: &Value| {
            (
                keys(node),
                node["node_type"].clone(),
                node["depth"].clone(),
                node["Elo"].clone(),
            )
        };
        // The real file's first step has no thought.
        while other["node_type"] != node["node_type"] {
            node = &node["children"][0];
        }
        assert_eq!(keys(node), order(other).0);
        (node, other) = (&node["children"][0], &other["children"][0]);
    }
    // 119 gave up after a demand: the same roles with the same keys.
    let roles = |file: &Value| -> Vec<(Value, Vec<String>)> {
        let all = file["answer_generation"]["train_messages"]
            .as_array()
            .unwrap();
        let last = all[all.len() - 1].as_array().unwrap();
        let mut roles: Vec<(Value, Vec<String>)> = last
            .iter()
            .map(|message| (message["role"].clone(), keys(message)))
            .collect();
        roles.sort_by_key(|role| format!("{role:?}"));
        roles.dedup();
        roles
    };
    let (rollout, _) = run(
        |asked| match (demands(asked.turns), asked.turns.len()) {
            (0, 1) => call("now"),
            (1, 2) => call("broken"),
            _ => PolicyMessage::give_up(Some("No.")),
        },
        &failed(),
        &settings,
    );
    let ours = roles(&rollout.answer_file);
    assert_eq!(ours, roles(&real));
}

/// Ends it after the first two.
#[derive(Default)]
struct Two {
    finished: Vec<usize>,
    steps: usize,
}

impl RolloutObserver for Two {
    fn stepped(&mut self, _: usize, _: &glpft_agent::PathStep) {
        self.steps += 1;
    }

    fn finished(&mut self, task: usize, _: &Rollout) -> ControlFlow<()> {
        self.finished.push(task);
        match self.finished.len() {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[test]
fn many_rollouts_are_kept_in_step() {
    let tasks: Vec<_> = (0..7).map(|id| task(&id.to_string())).collect();
    // Task 2 takes longest.
    let script = |asked: &Asked<'_>| match (asked.task.id.as_str(), asked.count) {
        ("2", 0..=3) | (_, 0) => call("now"),
        (id, _) => PolicyMessage::answer(None, id),
    };
    let mut settings = RolloutSettings::new(SearchSettings::published(Strategy::DFSDT));
    settings.together = 3;
    let run = |remote| {
        let mut policy = Scripted::new(script);
        let tools = Tools {
            remote,
            ..Tools::default()
        };
        let rollouts = run_rollouts(&mut policy, &tools, &tasks, &settings, &mut ()).unwrap();
        assert_eq!(policy.largest, 3);
        rollouts
    };
    let rollouts = run(false);
    let ids: Vec<&str> = rollouts
        .iter()
        .map(|rollout| rollout.task.as_str())
        .collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6"]);
    assert!(
        rollouts
            .iter()
            .all(|rollout| rollout.end == RolloutEnd::Answer(rollout.task.clone()))
    );
    // Calls of a remote server are made at the same time, and come to the same.
    assert_eq!(run(true), rollouts);

    let mut observer = Two::default();
    let mut policy = Scripted::new(script);
    let some = run_rollouts(
        &mut policy,
        &Tools::default(),
        &tasks,
        &settings,
        &mut observer,
    )
    .unwrap();
    assert_eq!((observer.finished, observer.steps), (vec![0, 1], 6));
    assert_eq!(some[..], rollouts[..2]);
}
