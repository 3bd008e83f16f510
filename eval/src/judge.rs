//! Who says whether a task was done: ToolEval's four questions (ToolBench, `toolbench/tooleval/evaluators`).
//!
//! [`OfflineJudge`] answers them of tasks whose truth is known, without asking anybody; [`HttpJudge`] asks a model.
//! [`Logged`] writes every judgment down and does not ask for it again. What becomes of the answers, pass rate and win
//! rate, is in [`crate::tool_eval`].

mod error;
mod facts;
mod http;
mod log;
mod numbers;
mod offline;
mod question;
mod status;

use glpft_agent::Task;

use crate::rollout::RolloutRecord;

pub use error::{JudgeError, WithoutJudgment};
pub use facts::Facts;
pub use http::{HttpJudge, HttpJudgeSettings};
pub use log::{JUDGMENTS_FILE, Logged};
pub use offline::{OFFLINE, OfflineJudge};
pub use question::Question;
pub use status::{AnswerStatus, Better, Judgment, TaskStatus};

/// Answers ToolEval's questions. Each is asked in several rounds, and majorities count; what is asked in a round is the
/// same as in any other. Many questions may be asked at once.
pub trait Judge: Sync {
    /// Who judges: `offline`, or a model. It stands beside every score.
    fn name(&self) -> String;

    /// How often it is worth asking the same, at most: once where the answer cannot be another one.
    fn rounds(&self) -> usize {
        usize::MAX
    }

    /// Whether a task can be done, where that is no judgment but known; ToolEval never knows.
    ///
    /// # Errors
    /// Where the judge knows of tasks and not of this one.
    fn known_solvable(&self, task: &Task) -> Result<Option<bool>, JudgeError> {
        let _ = task;
        Ok(None)
    }

    /// Whether the task can be done with its functions.
    ///
    /// # Errors
    /// Where no judgment can be had.
    fn check_task_solvable(
        &self,
        task: &Task,
        round: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError>;

    /// Whether `answer` does what the task asks for, by the answer alone.
    ///
    /// # Errors
    /// As for [`Judge::check_task_solvable`].
    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError>;

    /// Whether the rollout's answer does what the task asks for, in view of all that was called and replied.
    ///
    /// # Errors
    /// As for [`Judge::check_task_solvable`].
    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError>;

    /// Which of two rollouts of the task is the better one.
    ///
    /// # Errors
    /// As for [`Judge::check_task_solvable`].
    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        round: usize,
    ) -> Result<Judgment<Better>, JudgeError>;
}

impl<J: Judge + ?Sized> Judge for &J {
    fn name(&self) -> String {
        (**self).name()
    }

    fn rounds(&self) -> usize {
        (**self).rounds()
    }

    fn known_solvable(&self, task: &Task) -> Result<Option<bool>, JudgeError> {
        (**self).known_solvable(task)
    }

    fn check_task_solvable(
        &self,
        task: &Task,
        round: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        (**self).check_task_solvable(task, round)
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        (**self).check_answer_status(task, answer, round)
    }

    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        (**self).parse_answer_status(task, rollout, round)
    }

    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        round: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        (**self).select_better_answer(task, rollouts, round)
    }
}
