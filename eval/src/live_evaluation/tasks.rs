//! What is to be done in a live evaluation.

use std::collections::BTreeSet;

use glpft_agent::Task;
use glpft_world::WorldTask;

use super::error::LiveError;

/// The test set of tasks that are in none.
const TRAINING: &str = "training";
/// The longest name of a task or a test set, in bytes.
const LONGEST_NAME: usize = 100;

/// A task and the test set that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveTask {
    /// What is to be done.
    pub task: Task,
    /// The test set.
    pub group: String,
}

impl From<&WorldTask> for LiveTask {
    fn from(task: &WorldTask) -> Self {
        Self {
            task: task.task.clone(),
            group: task.group.map_or(TRAINING, |group| group.name()).to_owned(),
        }
    }
}

/// Checks that each task's answer file has a name of its own.
///
/// # Errors
/// No tasks, or the first one whose name or test set is not plain or is another's as well.
pub fn check_tasks(tasks: &[LiveTask]) -> Result<(), LiveError> {
    if tasks.is_empty() {
        return Err(LiveError::NoTasks);
    }
    let mut seen = BTreeSet::new();
    for (index, LiveTask { task, group }) in tasks.iter().enumerate() {
        let wrong = |problem: &str| LiveError::Task {
            index,
            id: task.id.clone(),
            problem: problem.to_owned(),
        };
        let plain = |name: &str, more: &[char]| {
            let letter = |one: char| one.is_ascii_alphanumeric() || more.contains(&one);
            !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(letter)
        };
        // What reads answer files takes the text before the first `_` for the id.
        if !plain(&task.id, &['-']) {
            return Err(wrong("its id is not made of letters, digits and hyphens"));
        }
        if !plain(group, &['-', '_', '.']) || group.starts_with('.') {
            return Err(wrong("its test set's name is not plain"));
        }
        if !seen.insert((group, &task.id)) {
            return Err(wrong("another task of its test set has the same id"));
        }
    }
    Ok(())
}
