//! What a world promises: held-out parts, replies of every kind, the same for the same seed.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss; its figures stand in docs/concepts/world.md"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use common::tests_of;
use glpft_agent::{Api, Code, Task, ToolReply};
use glpft_recipes::Schemas;
use glpft_world::{Size, TestGroup, World, WorldTask, overlap};
use serde_json::Value;

const SIZE: Size = Size {
    train_tasks: 400,
    test_tasks_per_group: 30,
    ..Size::small()
};

fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| World::new(1, SIZE));
    &WORLD
}

#[test]
fn nothing_of_a_test_is_in_training() {
    for seed in [1, 2, 3] {
        let world = World::new(seed, Size::small());
        let found = overlap(&world);
        println!("world {seed}, of test tasks in training: {found:?}");
        assert_eq!(found.total(), 0, "seed {seed}: {found:?}");
        // The comparison sees the names: test tasks are about many.
        let tests = tests_of(&world).into_iter();
        let named = world.entities_in(tests.map(|one| world.conversation(one)));
        assert!(named.len() > 150, "{}", named.len());
    }
}

fn tools(task: &Task) -> BTreeSet<&str> {
    task.functions
        .iter()
        .map(|one| one.api.tool.as_str())
        .collect()
}

fn categories(task: &Task) -> BTreeSet<&str> {
    task.functions
        .iter()
        .map(|one| one.api.category.as_str())
        .collect()
}

#[test]
fn every_test_set_is_full_and_of_its_kind() {
    let world = world();
    let trained: BTreeSet<&str> = world
        .training()
        .iter()
        .flat_map(|one| categories(&one.task))
        .collect();
    for group in TestGroup::ALL {
        let tasks: Vec<&WorldTask> = world.test(group).collect();
        assert_eq!(tasks.len(), 30, "{group:?}");
        for one in &tasks {
            let (tools, categories) = (tools(&one.task).len(), categories(&one.task));
            let unseen = categories.iter().all(|one| !trained.contains(one));
            let (several_tools, several_categories) = match group {
                TestGroup::G1Instruction | TestGroup::G1Tool | TestGroup::G1Category => {
                    (false, false)
                }
                TestGroup::G2Instruction | TestGroup::G2Category => (true, false),
                TestGroup::G3Instruction => (true, true),
            };
            let id = &one.task.id;
            // Of a task that cannot be done, functions may be missing.
            if one.truth.solvable {
                assert_eq!(tools > 1, several_tools, "{group:?} {id}");
                assert_eq!(categories.len() > 1, several_categories, "{group:?} {id}");
            }
            let expected = matches!(group, TestGroup::G1Category | TestGroup::G2Category);
            assert_eq!(unseen, expected, "{group:?} {id}");
        }
        let solvable = tasks.iter().filter(|one| one.truth.solvable).count();
        assert!((15..30).contains(&solvable), "{group:?} {solvable}");
    }
}

#[test]
fn tasks_are_small_and_their_functions_told_apart() {
    let world = world();
    let mut functions = BTreeMap::new();
    for one in world.tasks() {
        let task = &one.task;
        assert!((3..=5).contains(&task.functions.len()), "{}", task.id);
        let names: BTreeSet<&str> = task.functions.iter().map(|one| &*one.name).collect();
        assert_eq!(names.len(), task.functions.len());
        assert!((1..=3).contains(&one.truth.calls.len()) || !one.truth.solvable);
        for tool in task.tools(Schemas::Published) {
            let text = tool.description().to_string();
            assert!(text.len() < 250, "{text}");
        }
        for call in &one.truth.calls {
            assert!(names.contains(call.function.as_str()));
        }
        for function in &task.functions {
            let properties = function.parameters["properties"].as_object().unwrap();
            functions.insert(function.name.clone(), properties.is_empty());
        }
    }
    let without_arguments = functions.values().filter(|empty| **empty).count();
    let share = without_arguments as f64 / functions.len() as f64;
    assert!((share - 0.4).abs() < 0.03, "{share}");
    let ids: BTreeSet<&str> = world.tasks().iter().map(|one| &*one.task.id).collect();
    assert_eq!(ids.len(), world.tasks().len());
}

/// Every reply that the arguments of tasks, and wrong ones, get.
fn replies(world: &World) -> Vec<ToolReply> {
    let mut replies = Vec::new();
    for one in world.tasks() {
        for function in &one.task.functions {
            for call in &one.truth.calls {
                let arguments = Value::from(call.arguments.clone()).to_string();
                replies.push(world.reply(&function.api, &arguments));
            }
        }
    }
    replies
}

#[test]
fn every_kind_of_reply_comes() {
    let world = world();
    let replies = replies(world);
    let text = |reply: &ToolReply| reply.to_json().to_string();
    let codes: BTreeSet<Code> = replies.iter().map(|reply| reply.code).collect();
    for code in [
        Code::Replied,
        Code::Timeout,
        Code::NotWorking,
        Code::Unauthorized,
        Code::Unsubscribed,
        Code::TooManyRequests,
        Code::RateLimit,
        Code::Message,
    ] {
        assert!(codes.contains(&code), "{code:?}");
    }
    let has = |what: &str, test: &dyn Fn(&ToolReply) -> bool| {
        assert!(replies.iter().any(test), "no reply {what}");
    };
    has("without a response", &|reply| {
        reply.code == Code::Replied && !reply.error.is_empty() && reply.response == ""
    });
    has("of HTML", &|reply| text(reply).contains("<html>"));
    has("that is no string", &|reply| reply.response.is_object());
    has("that is an empty list", &|reply| {
        text(reply).contains("[]") || text(reply).contains(": none")
    });
    has("about an unknown argument", &|reply| {
        text(reply).contains("unknown argument")
    });
    has("about a missing argument", &|reply| {
        text(reply).contains("missing argument")
    });
    let long = |reply: &ToolReply| text(reply).len() > 1024;
    let data_at = |reply: &ToolReply| text(reply).find("data");
    has("cut before the answer", &|reply| {
        long(reply) && data_at(reply).is_some_and(|at| at > 1024)
    });
    has("cut behind the answer", &|reply| {
        long(reply) && data_at(reply).is_some_and(|at| at < 100)
    });
    let ordinary: Vec<usize> = replies
        .iter()
        .filter(|reply| !long(reply))
        .map(|reply| text(reply).len())
        .collect();
    assert!(ordinary.iter().all(|length| *length < 300));
}

#[test]
fn replies_are_pure_and_names_may_be_standard() {
    let (world, again) = (world(), World::new(1, SIZE));
    let mut other_seed = 0;
    let other = World::new(2, world.size());
    for one in world.tasks().iter().take(200) {
        for call in &one.truth.calls {
            let api = &one.task.function(&call.function).unwrap().api;
            let arguments = Value::from(call.arguments.clone()).to_string();
            let reply = world.reply(api, &arguments);
            assert_eq!(again.reply(api, &arguments), reply);
            let standard = |name: &str| name.to_lowercase().replace(' ', "_");
            let api_in_standard_form = Api {
                category: standard(&api.category),
                tool: standard(&api.tool),
                name: standard(&api.name),
            };
            assert_eq!(world.reply(&api_in_standard_form, &arguments), reply);
            other_seed += usize::from(other.reply(api, &arguments) != reply);
        }
    }
    assert!(other_seed > 100, "{other_seed}");
}

#[test]
fn wrong_calls_get_an_answer() {
    let world = world();
    let nowhere = Api {
        category: "Weather".to_owned(),
        tool: "x".to_owned(),
        name: "y".to_owned(),
    };
    assert_eq!(world.reply(&nowhere, "{}").code, Code::NotWorking);
    for one in world.tasks().iter().take(50) {
        for function in &one.task.functions {
            for arguments in ["[1]", "no JSON", "{\"no_such\": 1}", "null", "\u{0}", "{"] {
                let reply = world.reply(&function.api, arguments);
                assert_eq!(reply.code, Code::Message, "{arguments}");
            }
        }
    }
}
