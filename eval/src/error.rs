//! What can be wrong with predictions.

use std::fmt;
use std::io;
use std::path::PathBuf;

use glpft_agent::ParseError;
use serde::{Deserialize, Serialize};

use crate::metrics::RougeError;

/// Why an element of a predictions file is no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A key is absent.
    #[error("has no `{key}`")]
    Missing {
        /// The key, with its path.
        key: String,
    },
    /// A value is of another type than it must be.
    #[error("{what} is {found}, not {expected}")]
    Type {
        /// Where it stands.
        what: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}

/// One of an entry's two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// What the team said.
    Prediction,
    /// What it should have said.
    Reference,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Which::Prediction => "prediction",
            Which::Reference => "reference",
        })
    }
}

/// Why a step has no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The published script ends with an error at this text. Only `Behaviour::Compat` meets it.
    #[error(
        "the {which} {reason}; the published script ends with an error here, and so does --compat"
    )]
    Parse {
        /// Which text.
        which: Which,
        /// What is wrong with it.
        reason: ParseError,
    },
    /// The answers have no ROUGE-L. Where one is empty, only `Behaviour::Compat` meets it.
    #[error("{reason}{}", scripts_end(.reason))]
    Rouge {
        /// Why.
        reason: RougeError,
    },
}

/// What more there is to say of texts that the published script cannot compare either.
fn scripts_end(reason: &RougeError) -> &'static str {
    match reason {
        RougeError::TooLong { .. } => "",
        RougeError::EmptyHypothesis | RougeError::EmptyReference => {
            "; the published script ends with an error here, and so does --compat"
        }
    }
}

/// Why a predictions file has no scores. An entry is named by its index in the list, counted from 0, or by its line,
/// counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    /// The file cannot be read.
    #[error("predictions {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error(
        "predictions {} {problem}; a predictions file is a JSON list, or JSON lines, of \
         {{\"tools\": […], \"reference\": \"…\", \"predictions\": \"…\"}}", path.display()
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The list, or one of the lines, is larger than what is read into memory.
    #[error("{place} has more than {limit} bytes{hint}")]
    TooLarge {
        /// The file, or the line.
        place: String,
        /// How many there may be.
        limit: usize,
        /// What may help, or nothing.
        hint: &'static str,
    },
    /// Wrong bytes.
    #[error("{place} is not UTF-8 text: {source}")]
    Encoding {
        /// The file, or the line.
        place: String,
        /// What is wrong.
        source: std::str::Utf8Error,
    },
    /// The file is broken, or not whole.
    #[error("{place} is not valid JSON after {entries} whole entries: {source}{}",
        if source.is_eof() { "; it was cut short" } else { "" })]
    Json {
        /// The file, or the line.
        place: String,
        /// How many entries stand before.
        entries: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// An element is no entry.
    #[error("{place}: {reason}")]
    Entry {
        /// Which one.
        place: String,
        /// What is wrong with it.
        reason: EntryError,
    },
    /// A step has no score.
    #[error("{place}: {reason}")]
    Step {
        /// Which one.
        place: String,
        /// Why.
        reason: StepError,
    },
    /// No step counts for a metric. Only `Behaviour::Compat` meets it.
    #[error(
        "predictions {}: no step counts for {metric}; the published script divides by zero here, and so ends --compat",
        path.display()
    )]
    Undefined {
        /// The file.
        path: PathBuf,
        /// The metric's key.
        metric: &'static str,
    },
}
