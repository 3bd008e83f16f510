//! What the tests of the world share.
#![allow(dead_code, reason = "each test file uses a part")]

use glpft_agent::{
    Policy, Rollout, RolloutEnd, RolloutSettings, SearchSettings, Strategy, run_rollouts,
};
use glpft_world::{Truth, World, WorldTask, facts_in};

pub fn tests_of(world: &World) -> Vec<&WorldTask> {
    let tests = &world.tasks()[world.training().len()..];
    tests.iter().collect()
}

pub fn rollouts(
    world: &World,
    tasks: &[&WorldTask],
    policy: &mut dyn Policy,
    strategy: Strategy,
) -> Vec<Rollout> {
    let settings = RolloutSettings::new(SearchSettings::published(strategy));
    let tasks: Vec<_> = tasks.iter().map(|one| one.task.clone()).collect();
    run_rollouts(policy, world, &tasks, &settings, &mut ()).unwrap()
}

/// Answered with every fact; given up where nothing can be answered.
pub fn passes(end: &RolloutEnd, truth: &Truth) -> bool {
    match end {
        RolloutEnd::Answer(answer) => {
            truth.solvable && facts_in(answer, truth).into_iter().all(|stated| stated)
        }
        RolloutEnd::GiveUp => !truth.solvable,
        RolloutEnd::Nothing => false,
    }
}

pub fn passed(
    world: &World,
    tasks: &[&WorldTask],
    policy: &mut dyn Policy,
    strategy: Strategy,
) -> usize {
    rollouts(world, tasks, policy, strategy)
        .iter()
        .zip(tasks)
        .filter(|(rollout, one)| passes(&rollout.end, &one.truth))
        .count()
}
