//! A world as files of ToolBench's formats.

mod tools;

use std::fs;
use std::io;
use std::path::Path;

use glpft_agent::{GenerateError, RolloutSettings, SearchSettings, Strategy, Task, run_rollouts};
use glpft_checkpoints::{FileError, create_directory_atomically, remove_abandoned};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::draw::Draw;
use crate::oracle::{Manner, Noise, Oracle};
use crate::truth::{TestGroup, WorldTask};
use crate::world::World;

/// Why a world's files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A folder or file cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// The oracle failed.
    #[error(transparent)]
    Oracle(#[from] GenerateError),
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Answer files of training tasks.
    pub answers: usize,
    /// Those of them that end with an answer.
    pub answered: usize,
    /// Test tasks.
    pub tests: usize,
    /// Tools.
    pub tools: usize,
}

/// How many of a hundred training tasks are done by DFSDT; the others by one chain of ReACT.
const DEPTH_FIRST: f64 = 0.6;

/// Writes a world into `directory`, which appears whole or not at all:
///
/// - `answer/G{1,2,3}_answer/{id}_{method}.json`: the training tasks as the oracle does them, with its noise, in the
///   driver that agents run in
/// - `test_query_ids/{group}.json`, `test_instruction/{group}.json`: the test tasks
/// - `test.json`, `test/{group}.json`: their paths as conversations, for the static evaluation
/// - `toolenv/tools/{category}/{tool}.json`: the tools
/// - `truth.json`: seed, size, and what is known of each task
///
/// The same world is written as the same bytes.
///
/// # Errors
/// Where the folder cannot be made or written; what was there is as it was.
pub fn generate(world: &World, directory: &Path) -> Result<Written, WriteError> {
    let mut written = Written {
        answers: world.training().len(),
        answered: 0,
        tests: 0,
        tools: world.toolbox.tools.len(),
    };
    let folder = directory.parent().unwrap_or(directory);
    fs::create_dir_all(folder)
        .map_err(|source| FileError::new("create the folder", folder, source))?;
    remove_abandoned(folder)?;
    create_directory_atomically(directory, |to| {
        written.answered = write_answers(world, to)?;
        written.tests = write_tests(world, to)?;
        tools::write(world, to)?;
        write_truth(world, to)
    })?;
    Ok(written)
}

/// Writes a file of a folder that is not yet in its place: nothing is synced here.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let failed = |source: io::Error| FileError::new("write", path, source);
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    std::fs::write(path, text).map_err(failed)
}

pub(crate) fn folder(path: &Path) -> Result<(), FileError> {
    let failed = |source: io::Error| FileError::new("create the folder", path, source);
    std::fs::create_dir_all(path).map_err(failed)
}

/// How many end with an answer.
fn write_answers(world: &World, to: &Path) -> Result<usize, WriteError> {
    let mut draw = Draw::new(world.seed(), "strategies", 0);
    let (deep, chains): (Vec<&WorldTask>, Vec<&WorldTask>) = world
        .training()
        .iter()
        .partition(|_| draw.chance(DEPTH_FIRST));
    for level in 1..=3 {
        folder(&to.join(format!("answer/G{level}_answer")))?;
    }
    let noise = Noise::default();
    // A chain has no second try: a give-up that was too early would be learnt as right.
    let patient = Noise {
        early_give_up: 0.0,
        ..noise
    };
    let mut answered = 0;
    for (tasks, strategy, noise) in [
        (deep, Strategy::DFSDT, noise),
        (chains, Strategy::REACT, patient),
    ] {
        let mut oracle = Oracle::new(world, Manner::Noisy(noise), world.seed());
        let settings = RolloutSettings::new(SearchSettings::published(strategy));
        for some in tasks.chunks(64) {
            let tasks: Vec<Task> = some.iter().map(|one| one.task.clone()).collect();
            let rollouts = run_rollouts(&mut oracle, world, &tasks, &settings, &mut ())?;
            for rollout in rollouts {
                let level = world.level(&rollout.task);
                let name = format!(
                    "answer/G{level}_answer/{}_Oracle_{strategy}.json",
                    rollout.task
                );
                write_json(&to.join(name), &rollout.answer_file)?;
                answered += usize::from(rollout.answer_file["win"] == true);
            }
        }
    }
    Ok(answered)
}

fn write_tests(world: &World, to: &Path) -> Result<usize, WriteError> {
    for name in ["test_query_ids", "test_instruction", "test"] {
        folder(&to.join(name))?;
    }
    let mut all = Vec::new();
    for group in TestGroup::ALL {
        let name = format!("{}.json", group.name());
        let tasks: Vec<&WorldTask> = world.test(group).collect();
        let ids: Map<String, Value> = tasks
            .iter()
            .enumerate()
            .map(|(index, one)| (one.task.id.clone(), index.into()))
            .collect();
        write_json(&to.join("test_query_ids").join(&name), &ids)?;
        let instructions: Vec<Value> = tasks.iter().map(|one| tools::instruction(one)).collect();
        write_json(&to.join("test_instruction").join(&name), &instructions)?;
        let paths: Vec<_> = tasks.iter().map(|one| world.conversation(one)).collect();
        write_json(&to.join("test").join(&name), &paths)?;
        all.extend(paths);
    }
    write_json(&to.join("test.json"), &all)?;
    Ok(all.len())
}

fn write_truth(world: &World, to: &Path) -> Result<(), WriteError> {
    let tasks: Map<String, Value> = world
        .tasks()
        .iter()
        .map(|one| {
            let truth = json!({"group": one.group, "truth": one.truth});
            (one.task.id.clone(), truth)
        })
        .collect();
    let truth = json!({"seed": world.seed(), "size": world.size(), "tasks": tasks});
    Ok(write_json(&to.join("truth.json"), &truth)?)
}
