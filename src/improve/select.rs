//! Which rollouts a round learns from: of each task that passed, the shortest that did.

use std::collections::{BTreeMap, BTreeSet};

use glpft_eval::RolloutRecord;
use glpft_eval::tool_eval::TaskVerdict;
use serde::{Deserialize, Serialize};

use super::samples::read_id;

/// A rollout that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassingRollout {
    /// The task.
    pub task: String,
    /// Which of the task's rollouts it is, from 0.
    pub sample: usize,
    /// Steps of the path that passed.
    pub steps: usize,
    /// Its answer file, from the directory that it lies in.
    pub answer_file: String,
}

/// The rollouts that passed, in the order that they were made in. One with a step that no model was asked for, since its
/// prompt was too long, passed without a model's doing: there is nothing to learn of it.
pub(super) fn passing(rollouts: &[RolloutRecord], verdicts: &[TaskVerdict]) -> Vec<PassingRollout> {
    let passed: BTreeSet<(&str, &str)> = verdicts
        .iter()
        .filter(|verdict| verdict.passing.passed)
        .map(|verdict| (verdict.group.as_str(), verdict.task.as_str()))
        .collect();
    let passed = rollouts.iter().filter(|rollout| {
        passed.contains(&(rollout.group.as_str(), rollout.task.as_str()))
            && rollout.usage.refused_steps == 0
    });
    passed
        .filter_map(|rollout| {
            let (task, sample) = read_id(&rollout.task)?;
            Some(PassingRollout {
                task: task.to_owned(),
                sample,
                steps: rollout.path.len(),
                answer_file: rollout.answer_file.clone(),
            })
        })
        .collect()
}

/// Of each task, in the order of their first rollouts, the shortest that is usable; of equals the one with the smallest
/// number.
///
/// # Errors
/// Of `usable`.
pub(super) fn shortest<E>(
    passing: &[PassingRollout],
    mut usable: impl FnMut(&PassingRollout) -> Result<bool, E>,
) -> Result<Vec<PassingRollout>, E> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_task: BTreeMap<&str, Vec<&PassingRollout>> = BTreeMap::new();
    for one in passing {
        let of_task = by_task.entry(&one.task).or_default();
        if of_task.is_empty() {
            order.push(&one.task);
        }
        of_task.push(one);
    }
    let mut kept = Vec::new();
    for task in order {
        let mut of_task = by_task.remove(task).unwrap_or_default();
        of_task.sort_by_key(|one| (one.steps, one.sample));
        for one in of_task {
            if usable(one)? {
                kept.push(one.clone());
                break;
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use glpft_eval::tool_eval::Passing;
    use glpft_eval::{End, StepOfPath, Usage};

    use super::*;

    fn rollout(id: &str, steps: usize) -> RolloutRecord {
        let step = StepOfPath {
            thought: None,
            function: "f".to_owned(),
            arguments: "{}".to_owned(),
            observation: String::new(),
            code: 0,
        };
        RolloutRecord {
            task: id.to_owned(),
            group: "training".to_owned(),
            query: String::new(),
            end: End::Answer,
            answer: None,
            path: vec![step; steps],
            query_count: 9,
            usage: Usage::default(),
            calls: glpft_agent::Calls::default(),
            answer_file: format!("answers/training/{id}_CoT@1.json"),
        }
    }

    fn verdict(id: &str, passed: bool) -> TaskVerdict {
        TaskVerdict {
            task: id.to_owned(),
            group: "training".to_owned(),
            end: End::Answer,
            passing: Passing {
                passed,
                known_unsolvable: false,
                rounds: vec![passed],
                answers: Vec::new(),
                reason: String::new(),
            },
            against: None,
        }
    }

    fn ids(kept: &[PassingRollout]) -> Vec<(&str, usize, usize)> {
        let id = |one: &'_ PassingRollout| (one.sample, one.steps);
        let tasks = kept.iter().map(|one| one.task.as_str());
        tasks
            .zip(kept.iter().map(id))
            .map(|(task, (sample, steps))| (task, sample, steps))
            .collect()
    }

    #[test]
    fn the_shortest_that_passes_is_kept_of_equals_the_first() {
        let rollouts = [
            rollout("2-0", 4),
            rollout("2-1", 3),
            rollout("2-2", 3),
            rollout("2-3", 1),
            rollout("1-0", 2),
            rollout("1-1", 2),
            rollout("3-0", 2),
        ];
        let verdicts: Vec<TaskVerdict> = rollouts
            .iter()
            // The shortest of task 2 failed, and task 3 has no judgment.
            .filter(|one| one.task != "3-0")
            .map(|one| verdict(&one.task, one.task != "2-3"))
            .collect();
        let passing = passing(&rollouts, &verdicts);
        assert_eq!(passing.len(), 5);
        let all = |_: &PassingRollout| Ok::<_, Infallible>(true);
        let kept = shortest(&passing, all).unwrap_or_default();
        assert_eq!(ids(&kept), [("2", 1, 3), ("1", 0, 2)]);
        assert_eq!(kept[0].answer_file, "answers/training/2-1_CoT@1.json");
        // What cannot be read leaves its place to the next; a task of which nothing can be read is not there.
        let some = |one: &PassingRollout| Ok::<_, Infallible>(one.task == "2" && one.sample != 1);
        let kept = shortest(&passing, some).unwrap_or_default();
        assert_eq!(ids(&kept), [("2", 2, 3)]);
    }

    #[test]
    fn where_nothing_passes_nothing_is_kept() {
        let rollouts = [rollout("1-0", 1), rollout("1-1", 1)];
        let verdicts = rollouts.clone().map(|one| verdict(&one.task, false));
        assert_eq!(passing(&rollouts, &verdicts), []);
        // A give-up that stands for a prompt that was too long.
        let mut refused = rollouts;
        refused[0].usage.refused_steps = 1;
        let verdicts = refused.clone().map(|one| verdict(&one.task, true));
        let passing = passing(&refused, &verdicts);
        assert_eq!(ids(&passing), [("1", 1, 1)]);
    }
}
