//! Which of the four questions is asked.

use serde::{Deserialize, Serialize};

/// One of ToolEval's four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Can the task be done?
    CheckTaskSolvable,
    /// Does the answer do it, by the answer alone?
    CheckAnswerStatus,
    /// Does it, in view of the whole path?
    ParseAnswerStatus,
    /// Which of two is better?
    SelectBetterAnswer,
}

impl Question {
    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Question::CheckTaskSolvable => "check_task_solvable",
            Question::CheckAnswerStatus => "check_answer_status",
            Question::ParseAnswerStatus => "parse_answer_status",
            Question::SelectBetterAnswer => "select_better_answer",
        }
    }
}
