//! Coverage, determinism and budgets of plans.

use super::*;
use crate::batch::{Batch, tree_tokens};
use crate::encode::TokenExample;
use glpft_recipes::Packing;
use std::collections::BTreeSet;

/// Trajectories of one to seven examples.
fn trajectories(count: u32) -> Vec<u32> {
    (0..count)
        .flat_map(|trajectory| vec![trajectory; 1 + (trajectory as usize * 5) % 7])
        .collect()
}

/// Examples whose prompts grow within a trajectory, after a start that all share.
fn examples(count: u32) -> Vec<TokenExample> {
    let mut examples = Vec::new();
    for trajectory in 0..count {
        for turn in 0..1 + (trajectory * 5) % 7 {
            let history = (0..30 + turn * (5 + trajectory % 4))
                .map(|position| 1000 * (trajectory + 1) + position);
            let mut tokens: Vec<u32> = (0..10).chain(history).collect();
            let label_start = tokens.len();
            tokens.extend([7, turn, 7]);
            examples.push(TokenExample {
                tokens,
                label_start,
                role_start: 0,
                trajectory,
                turn,
            });
        }
    }
    examples
}

#[test]
fn an_epoch_holds_every_example_once() {
    let trajectories = trajectories(40);
    for sampling in [Sampling::Trajectory, Sampling::Example] {
        for batch in [0, 1, 5, 48, 1000] {
            let plan = Plan::new(&trajectories, sampling, batch, 3, Stage::Caller);
            for epoch in 0..3 {
                let steps = plan.epoch(epoch);
                assert_eq!(steps.len(), plan.steps_in_epoch(epoch));
                let mut all: Vec<u32> = steps.concat();
                all.sort_unstable();
                assert_eq!(all, (0..trajectories.len() as u32).collect::<Vec<_>>());
                for (number, step) in steps.iter().enumerate() {
                    let last = number + 1 == steps.len();
                    let batch = batch.max(1);
                    assert!(last || step.len() >= batch);
                    match sampling {
                        Sampling::Example => {
                            assert!(step.len() <= batch && (last || step.len() == batch))
                        }
                        // One trajectory fewer would have been too few.
                        Sampling::Trajectory => assert!(step.len() < batch + 7),
                    }
                }
                if sampling == Sampling::Trajectory {
                    for step in &steps {
                        let inside: BTreeSet<u32> = step
                            .iter()
                            .map(|&index| trajectories[index as usize])
                            .collect();
                        let whole = trajectories
                            .iter()
                            .filter(|trajectory| inside.contains(trajectory))
                            .count();
                        assert_eq!(whole, step.len(), "trajectories stay whole");
                    }
                }
            }
            assert_eq!(
                plan.total_steps(3),
                (0..3).map(|epoch| plan.epoch(epoch).len()).sum::<usize>()
            );
        }
    }
}

#[test]
fn epochs_stages_and_seeds_differ_and_repeat() {
    let trajectories = trajectories(40);
    let plan = |seed, stage| Plan::new(&trajectories, Sampling::Trajectory, 8, seed, stage);
    let first = plan(1, Stage::Global).epoch(0);
    assert_eq!(plan(1, Stage::Global).epoch(0), first);
    assert_ne!(plan(1, Stage::Global).epoch(1), first);
    assert_ne!(plan(2, Stage::Global).epoch(0), first);
    assert_ne!(plan(1, Stage::Planner).epoch(0), first);
}

#[test]
fn steps_are_located() {
    let plan = Plan::new(&trajectories(20), Sampling::Trajectory, 8, 1, Stage::Global);
    let mut step = 0;
    for epoch in 0..3 {
        for within in 0..plan.steps_in_epoch(epoch) {
            assert_eq!(plan.locate(step), Some((epoch, within)));
            step += 1;
        }
    }
    let empty = Plan::new(&[], Sampling::Trajectory, 8, 1, Stage::Global);
    assert_eq!(
        (empty.locate(0), empty.total_steps(2), empty.epoch(0).len()),
        (None, 0, 0)
    );
}

#[test]
fn micro_batches_hold_the_step_within_the_budget() {
    let examples = examples(30);
    let plan = Plan::new(
        &examples
            .iter()
            .map(|example| example.trajectory)
            .collect::<Vec<_>>(),
        Sampling::Trajectory,
        24,
        9,
        Stage::Global,
    );
    for step in plan.epoch(0) {
        for packing in [Packing::None, Packing::Rows, Packing::Tree] {
            for budget in [1, 50, 60, 100, 150, 400, 5000] {
                let batches = micro_batches(&examples, &step, packing, budget);
                assert_eq!(micro_batches(&examples, &step, packing, budget), batches);
                let mut all = batches.concat();
                all.sort_unstable();
                let mut expected = step.clone();
                expected.sort_unstable();
                assert_eq!(all, expected, "{packing:?} {budget}");
                for batch in &batches {
                    let chosen: Vec<&TokenExample> = batch
                        .iter()
                        .map(|&index| &examples[index as usize])
                        .collect();
                    let tokens = match packing {
                        Packing::Tree => Batch::tree(&chosen).len(),
                        Packing::Rows | Packing::None => Batch::rows(&chosen).len(),
                    };
                    assert!(
                        batch.len() == 1 || (tokens <= budget && packing != Packing::None),
                        "{packing:?} {budget}"
                    );
                }
                if packing == Packing::Tree && budget == 5000 {
                    assert_eq!(batches.len(), 1);
                }
            }
        }
    }
}

#[test]
fn rows_take_the_first_batch_with_room() {
    let example = |length: u32| TokenExample {
        tokens: (0..length).collect(),
        label_start: 0,
        role_start: 0,
        trajectory: length,
        turn: 0,
    };
    let examples = [example(6), example(5), example(4), example(20), example(5)];
    let batches = micro_batches(&examples, &[0, 1, 2, 3, 4], Packing::Rows, 10);
    assert_eq!(batches, [vec![0, 2], vec![1, 4], vec![3]]);
}

#[test]
fn long_trees_are_cut_where_least_is_shared() {
    let example = |tokens: &[u32]| TokenExample {
        tokens: tokens.to_vec(),
        label_start: 1,
        role_start: 0,
        trajectory: 0,
        turn: 0,
    };
    let examples = [
        example(&[1, 2, 3, 4, 5]),
        example(&[1, 9, 3, 4, 5]),
        example(&[1, 2, 3, 4, 6]),
        example(&[1, 9, 3, 4, 6]),
    ];
    let all: Vec<&TokenExample> = examples.iter().collect();
    assert_eq!(tree_tokens(&all), 11);
    assert_eq!(
        micro_batches(&examples, &[0, 1, 2, 3], Packing::Tree, 11),
        [[0, 2, 1, 3]]
    );
    assert_eq!(
        micro_batches(&examples, &[0, 1, 2, 3], Packing::Tree, 10),
        [[0, 2], [1, 3]]
    );
    assert_eq!(
        micro_batches(&examples, &[0, 1, 2, 3], Packing::Tree, 5).len(),
        4
    );
}
