//! Why an evaluation has no result.

use std::path::PathBuf;

use glpft_agent::GenerateError;
use glpft_checkpoints::{FileError, JsonError};

use crate::directory::DirectoryError;
use crate::error::{PredictionsError, StepError};

/// Why a static evaluation has no result. What is answered stays written.
#[derive(Debug, thiserror::Error)]
pub enum StaticError {
    /// Nothing in the data is a step.
    #[error(
        "no conversation of the data has a step to score: none of their assistant's turns holds `Next: caller.`, \
         `Next: conclusion.` or `Next: give up.`"
    )]
    NoSteps,
    /// A line of the predictions that are there already is not what stood there.
    #[error(
        "{}:{line} is not what the evaluation wrote there ({reason}); give --overwrite to start anew",
        path.display()
    )]
    Damaged {
        /// `predictions.jsonl`.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A model did not answer.
    #[error("trajectories {first} to {last}, {role}: {}", chain(source))]
    Generate {
        /// The batch's first trajectory.
        first: usize,
        /// Its last.
        last: usize,
        /// Who was asked.
        role: &'static str,
        /// Why.
        source: GenerateError,
    },
    /// It ended before all was answered.
    #[error(
        "{source}. {done} of {total} steps are answered; {} holds them: the same command resumes from there", path.display()
    )]
    Ended {
        /// The directory.
        path: PathBuf,
        /// Steps that are answered and written.
        done: usize,
        /// Steps in all.
        total: usize,
        /// Why.
        source: Box<StaticError>,
    },
    /// A generator broke its promise of one answer a request.
    #[error("the {role} gave {answered} answers to {asked} requests")]
    Answers {
        /// Who was asked.
        role: &'static str,
        /// How often.
        asked: usize,
        /// What came.
        answered: usize,
    },
    /// A step has no score.
    #[error("trajectory {trajectory}, turn {turn}: {reason}")]
    Step {
        /// The trajectory.
        trajectory: usize,
        /// The turn that the step begins with.
        turn: usize,
        /// Why.
        reason: StepError,
    },
    /// It was told to stop.
    #[error(
        "interrupted after {done} of {total} steps; {} holds them: the same command resumes from there",
        path.display()
    )]
    Interrupted {
        /// The directory.
        path: PathBuf,
        /// Steps answered and written.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The predictions cannot be read back.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A JSON file.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// An error with everything that led to it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
