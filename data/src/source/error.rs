//! What can be wrong with a source, or with one record of it.

use std::io;
use std::path::PathBuf;

/// Why one record (a raw answer file, or an element of a stage file) is no trajectory.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It cannot be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no UTF-8 text.
    #[error("is not UTF-8 text: {0}")]
    Encoding(#[from] std::str::Utf8Error),
    /// It is no JSON, or not whole.
    #[error("is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A key is absent.
    #[error("`{within}` has no `{key}`")]
    Missing {
        /// The absent key.
        key: String,
        /// The object that lacks it.
        within: String,
    },
    /// A value is of another type than it must be.
    #[error("`{path}` is {found}, not {expected}")]
    Type {
        /// Where it stands.
        path: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value is none of those that are known.
    #[error("`{path}` is \"{found}\", not one of {expected}")]
    Unknown {
        /// Where it stands.
        path: String,
        /// What is known.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// `train_messages` holds no path.
    #[error("`{path}` is empty")]
    Empty {
        /// Where it stands.
        path: String,
    },
    /// An observation that only `data.observations = "response-or-error"` can render.
    #[error(
        "`{path}` holds no `response` that is a string (found {found}); \
         data.observations = \"response-or-error\" reads it"
    )]
    Observation {
        /// Where the function message stands.
        path: String,
        /// What is there instead.
        found: &'static str,
    },
}

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
        "data source {path}: {source}; set data.source to a ToolBench directory, a stage-1 or a stage-2 file"
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
         answers/{hint}"
    )]
    NoAnswers {
        /// The directory.
        path: PathBuf,
        /// What it lacks.
        missing: &'static str,
        /// What may help, or nothing.
        hint: String,
    },
    /// A file that holds none of the known forms.
    #[error(
        "data source {path} is {found}; a stage-1 file is a JSON array of objects with `chains`, \
         a stage-2 file one of objects with `conversations`"
    )]
    UnknownForm {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// A stage file that ends early or is broken between its elements.
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
    /// No record is left.
    #[error("data source {path} holds no trajectory that can be used: {report}")]
    NothingKept {
        /// The source.
        path: PathBuf,
        /// What became of the records.
        report: String,
    },
}
