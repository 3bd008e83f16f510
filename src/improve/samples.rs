//! Several rollouts of a task, each a task of its own: `12-3` is the fourth of task 12.
//!
//! What a policy draws hangs on the task's id ([`PolicySettings`](glpft_agent::PolicySettings)), so samples differ, and each is
//! the same whatever runs beside it. They stand beside each other, so that their prompts' common beginnings are computed once.

use glpft_agent::Task;
use glpft_eval::RolloutRecord;
use glpft_eval::judge::{AnswerStatus, Better, Judge, JudgeError, Judgment, TaskStatus};
use glpft_eval::live_evaluation::LiveTask;

/// Each task as many times as there are samples of it.
pub(super) fn samples_of(tasks: &[LiveTask], samples: usize) -> Vec<LiveTask> {
    let of_one = |one: &LiveTask| -> Vec<LiveTask> {
        let sample = |sample: usize| {
            let mut one = one.clone();
            one.task.id = format!("{}-{sample}", one.task.id);
            one
        };
        (0..samples).map(sample).collect()
    };
    tasks.iter().flat_map(of_one).collect()
}

/// The task's id and the sample's number in a sample's id.
pub(super) fn read_id(id: &str) -> Option<(&str, usize)> {
    let (task, sample) = id.rsplit_once('-')?;
    Some((task, sample.parse().ok()?))
}

/// Judges samples as a judge that knows the tasks.
pub(super) struct OfSamples<'j>(pub &'j dyn Judge);

/// The task that one is a sample of.
fn original(task: &Task) -> Task {
    let id = read_id(&task.id).map_or(task.id.as_str(), |(id, _)| id);
    Task {
        id: id.to_owned(),
        ..task.clone()
    }
}

impl Judge for OfSamples<'_> {
    fn name(&self) -> String {
        self.0.name()
    }

    fn rounds(&self) -> usize {
        self.0.rounds()
    }

    fn known_solvable(&self, task: &Task) -> Result<Option<bool>, JudgeError> {
        self.0.known_solvable(&original(task))
    }

    fn check_task_solvable(
        &self,
        task: &Task,
        round: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        self.0.check_task_solvable(&original(task), round)
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.0.check_answer_status(&original(task), answer, round)
    }

    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.0.parse_answer_status(&original(task), rollout, round)
    }

    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        round: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        self.0
            .select_better_answer(&original(task), rollouts, round)
    }
}

#[cfg(test)]
mod tests {
    use glpft_eval::judge::OfflineJudge;
    use glpft_world::{Size, World};

    use super::*;

    #[test]
    fn samples_stand_beside_each_other_and_are_read_back() {
        let world = World::new(1, Size::tiny());
        let tasks: Vec<LiveTask> = world.training().iter().map(LiveTask::from).collect();
        let samples = samples_of(&tasks[..2], 3);
        let ids: Vec<&str> = samples.iter().map(|one| one.task.id.as_str()).collect();
        assert_eq!(ids, ["1-0", "1-1", "1-2", "2-0", "2-1", "2-2"]);
        assert_eq!(read_id("1-2"), Some(("1", 2)));
        assert_eq!(read_id("a-1-12"), Some(("a-1", 12)));
        for id in ["7", "7-", "7-x"] {
            assert_eq!(read_id(id), None, "{id}");
        }
        // A judge knows a sample as its task.
        let judge = OfflineJudge::new(&world);
        for one in samples {
            let known = OfSamples(&judge).known_solvable(&one.task);
            let task = read_id(&one.task.id).and_then(|(id, _)| world.truth(id));
            assert_eq!(known.ok(), Some(task.map(|truth| truth.solvable)));
            assert!(judge.known_solvable(&one.task).is_err());
        }
    }
}
