//! What can be wrong with a source.

use std::io;
use std::path::PathBuf;

use crate::record_error::RecordError;

/// Why the test queries are not known.
#[derive(Debug, thiserror::Error)]
pub enum TestQueriesError {
    /// The directory is absent.
    #[error("no such directory")]
    NoDirectory,
    /// No file in it has the name of a test set.
    #[error("the directory holds none of the six test sets")]
    NoTestSet,
    /// A test set that cannot be read.
    #[error(transparent)]
    File(#[from] RecordError),
    /// A test set that is JSON, but of another form.
    #[error("is neither an object whose keys are query ids nor an array of them")]
    NotIds,
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path cannot be read.
    #[error(
        "data source {path}: {source}; set data.source to a file of trajectories (JSON, JSON lines), a directory of them, or a ToolBench directory"
    )]
    Open {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory without the raw layout.
    #[error(
        "data source {path} is a directory without {missing}; a raw ToolBench directory holds \
         answer/G1_answer, answer/G2_answer or answer/G3_answer with one JSON file an answer, a live evaluation \
         answers/; files of records (*.json, *.jsonl, *.parquet) stand in the directory itself{hint}"
    )]
    NoAnswers {
        /// The directory.
        path: PathBuf,
        /// What it lacks.
        missing: &'static str,
        /// What may help, or nothing.
        hint: String,
    },
    /// A file that holds no records of a known form, ends early or is broken between its records.
    #[error("data source {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: RecordError,
    },
    /// The directory of test query ids is absent or empty.
    #[error(
        "test query ids {path}: {problem}; without them test queries would be trained on, so set \
         data.test_query_ids to the directory of G1_instruction.json and its siblings"
    )]
    TestQueries {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TestQueriesError,
    },
    /// A bad record where `data.strict` is set.
    #[error(
        "{record}: {reason} (data.strict is set; without it the record is reported and left out)"
    )]
    Record {
        /// Which one.
        record: String,
        /// What is wrong with it.
        reason: RecordError,
    },
    /// More records are bad than may be.
    #[error(
        "data source {path}: {bad} of {records} records cannot be used, more than the {allowed} that may be \
         (data.max_bad_fraction = {fraction}); the first: {first}; mend or remove them, or set data.max_bad_fraction \
         higher to train on the other {kept}"
    )]
    TooManyBad {
        /// The source.
        path: PathBuf,
        /// How many are bad.
        bad: usize,
        /// Of how many.
        records: usize,
        /// How many may be.
        allowed: usize,
        /// What the recipe says.
        fraction: f64,
        /// The first of them and what is wrong with it.
        first: String,
        /// How many can be used.
        kept: usize,
    },
    /// No record is left.
    #[error("data source {path} holds no trajectory that can be used: {report}")]
    NothingKept {
        /// The source.
        path: PathBuf,
        /// What became of the records.
        report: String,
    },
}
