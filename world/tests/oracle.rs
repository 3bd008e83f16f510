//! What policies come to on a world: the scale that agents are measured on.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss; its figures stand in docs/concepts/world.md"
)]

mod common;

use std::sync::LazyLock;

use common::{passed, rollouts, tests_of};
use glpft_agent::{Asked, GenerateError, Policy, PolicyMessage, Strategy};
use glpft_data::{Purpose, Random, Speaker};
use glpft_world::{Manner, Noise, Oracle, Size, World, WorldTask};
use serde_json::Value;

fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let size = Size {
            train_rows: 100,
            test_rows: 60,
            train_tasks: 40,
            test_tasks_per_group: 30,
            ..Size::small()
        };
        World::new(3, size)
    });
    &WORLD
}

#[test]
fn the_oracle_passes_everything() {
    let world = world();
    let tasks = tests_of(world);
    assert_eq!(tasks.len(), 180);
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        for manner in [Manner::Exact, Manner::Careful] {
            let mut oracle = Oracle::new(world, manner, 1);
            let passed = passed(world, &tasks, &mut oracle, strategy);
            println!("{manner:?} oracle, {strategy}: {passed} of {}", tasks.len());
            assert_eq!(passed, tasks.len(), "{manner:?} {strategy}");
        }
    }
    let mut noisy = Oracle::new(world, Manner::Noisy(Noise::default()), 1);
    let passed = passed(world, &tasks, &mut noisy, Strategy::DFSDT);
    println!("noisy oracle: {passed} of {}", tasks.len());
    assert!(passed >= 170, "{passed}");
}

struct GivesUp;

impl Policy for GivesUp {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        Ok(asked
            .iter()
            .map(|_| PolicyMessage::give_up(Some("No.")))
            .collect())
    }
}

#[test]
fn giving_up_passes_what_cannot_be_done() {
    let world = world();
    let tasks = tests_of(world);
    let unsolvable = tasks.iter().filter(|one| !one.truth.solvable).count();
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        let passed = passed(world, &tasks, &mut GivesUp, strategy);
        println!("gives up, {strategy}: {passed}; cannot be done: {unsolvable}");
        assert_eq!(passed, unsolvable, "{strategy}");
    }
    let share = unsolvable as f64 / tasks.len() as f64;
    assert!((0.15..0.35).contains(&share), "{share}");
}

/// Calls anything with what the user named, and answers with the last thing it read.
struct Guesses(Random);

impl Policy for Guesses {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        Ok(asked.iter().map(|one| self.guess(one)).collect())
    }
}

impl Guesses {
    fn guess(&self, asked: &Asked<'_>) -> PolicyMessage {
        let mut calls = asked
            .turns
            .iter()
            .filter(|turn| turn.from == Speaker::Observation);
        let id: u64 = asked.task.id.parse().unwrap();
        let random = self.0.stream(id).stream(asked.count as u64);
        if random.below(3, 0) < calls.clone().count() as u64 {
            let last = calls.next_back().map_or("", |turn| &turn.value);
            return PolicyMessage::answer(Some("This is it."), last);
        }
        let functions = &asked.task.functions;
        let function = &functions[random.below(functions.len() as u64, 1) as usize];
        let names: Vec<&str> = asked.task.query.split(' ').collect();
        let required = function.parameters["required"].as_array().unwrap();
        let arguments: serde_json::Map<String, Value> = required
            .iter()
            .map(|name| {
                let word = names[random.below(names.len() as u64, 2) as usize];
                (name.as_str().unwrap().to_owned(), word.into())
            })
            .collect();
        let arguments = serde_json::to_string(&arguments).unwrap();
        PolicyMessage::from_message(Some("Perhaps."), &function.name, &arguments)
    }
}

#[test]
fn guessing_passes_next_to_nothing() {
    let world = world();
    let tasks = tests_of(world);
    let mut guesses = Guesses(Random::new(1, None, 0, Purpose::Synthetic));
    let passed = passed(world, &tasks, &mut guesses, Strategy::DFSDT);
    println!("calls at random: {passed} of {}", tasks.len());
    assert!(passed * 100 <= tasks.len() * 3, "{passed}");
}

#[test]
fn where_a_fault_can_be_led_around_a_second_try_helps() {
    let world = world();
    let recoverable: Vec<&WorldTask> = tests_of(world)
        .into_iter()
        .filter(|one| one.truth.recoverable)
        .collect();
    assert!(recoverable.len() >= 12, "{}", recoverable.len());
    let mut oracle = Oracle::new(world, Manner::EasilyBeaten, 1);
    let deep = passed(world, &recoverable, &mut oracle, Strategy::DFSDT);
    let chain = passed(world, &recoverable, &mut oracle, Strategy::REACT);
    let all = recoverable.len();
    println!("easily beaten, around a fault: DFSDT {deep} of {all}, ReACT {chain}");
    assert_eq!((deep, chain), (all, 0));
}

#[test]
fn what_an_oracle_says_does_not_depend_on_who_is_asked_beside() {
    let world = world();
    let tasks: Vec<&WorldTask> = world.training().iter().collect();
    let mut oracle = Oracle::new(world, Manner::Noisy(Noise::default()), 1);
    let together = rollouts(world, &tasks, &mut oracle, Strategy::DFSDT);
    for (one, rollout) in tasks.iter().zip(&together) {
        let alone = rollouts(world, &[one], &mut oracle, Strategy::DFSDT);
        assert_eq!(alone[0].answer_file, rollout.answer_file);
    }
}

#[test]
fn thoughts_name_functions_that_are_offered_and_ids_only_where_one_takes_them() {
    let world = world();
    let mut ids = 0;
    for one in world.tasks() {
        let offered = |name: &str| {
            one.task
                .functions
                .iter()
                .any(|function| function.name == name)
        };
        let path = world.conversation(one);
        let thoughts = path
            .turns
            .iter()
            .filter(|turn| turn.from == Speaker::Assistant);
        for thought in thoughts {
            let mut taking = None;
            let mut called = None;
            for named in thought.value.split(" I call ").skip(1) {
                let name = named
                    .split([' ', '\n'])
                    .next()
                    .unwrap()
                    .trim_end_matches('.');
                assert!(offered(name), "{}: {}", one.task.id, thought.value);
                match named.contains(" when I know the id of ") {
                    true => taking = Some(name),
                    false => called = Some(name),
                }
            }
            let searches = called.is_some_and(|name| name.starts_with("id_"));
            let again = thought.value.starts_with("This call failed.");
            assert_eq!(
                searches && !again,
                taking.is_some() && called.is_some(),
                "{}",
                thought.value
            );
            ids += usize::from(searches);
            // Something that was tried told it once.
            assert!(!again || !thought.value.contains("No function tells it."));
            assert!(again || !thought.value.contains("No other function tells it."));
            let idle = thought.value.starts_with("The id of ") && called.is_none();
            assert!(!idle, "{}", thought.value);
        }
    }
    assert!(ids > 10, "{ids}");
}
