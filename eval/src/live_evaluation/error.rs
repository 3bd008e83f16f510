//! Why a live evaluation has no result.

use std::path::PathBuf;

use glpft_agent::{GenerateError, NoToolReached};
use glpft_checkpoints::{FileError, JsonError};

use crate::directory::DirectoryError;
use crate::judge::JudgeError;
use crate::static_evaluation::chain;

/// Why a live evaluation has no result. Rollouts and judgments that are made stay written.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// There is nothing to do.
    #[error("there is no task to work on")]
    NoTasks,
    /// A task that cannot be kept apart from others.
    #[error("task {index}, {id:?}: {problem}")]
    Task {
        /// Its place, from 0.
        index: usize,
        /// Its id.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line of a file is not what stood there.
    #[error(
        "{}:{line} is not what the evaluation wrote there ({reason}); give --overwrite to start anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The reference's rollouts lack a task.
    #[error(
        "the reference {} has no rollout of task {task:?} of {group}: both evaluations need the same tasks", path.display()
    )]
    NotInReference {
        /// The reference's rollouts.
        path: PathBuf,
        /// The task.
        task: String,
        /// Its test set.
        group: String,
    },
    /// A policy failed.
    #[error(
        "tasks {first} to {last}: {}. {first} of {total} tasks are done; {} holds them: the same command resumes from there",
        chain(source), path.display()
    )]
    Policy {
        /// The batch's first task, from 0.
        first: usize,
        /// Its last.
        last: usize,
        /// The directory.
        path: PathBuf,
        /// Tasks in all.
        total: usize,
        /// Why.
        source: GenerateError,
    },
    /// All of the first calls reached no tool.
    #[error(transparent)]
    NoTool(#[from] NoToolReached),
    /// It was told to stop.
    #[error(
        "interrupted after {done} of {total} tasks were {what}; {} holds them: the same command resumes from there",
        path.display()
    )]
    Interrupted {
        /// The directory.
        path: PathBuf,
        /// Tasks done and written.
        done: usize,
        /// Tasks in all.
        total: usize,
        /// What became of them.
        what: &'static str,
    },
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The judge.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A JSON file.
    #[error(transparent)]
    Json(#[from] JsonError),
}
