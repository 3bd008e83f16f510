//! What can be wrong with one record of a source, or with a request.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

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
    /// What stands between the records of a file is not what should.
    #[error("is not valid JSON: {found} (byte {at})")]
    Broken {
        /// What stands there.
        found: &'static str,
        /// Where.
        at: u64,
    },
    /// A record that would take too much memory.
    #[error("is larger than {mebibytes} MiB")]
    TooLarge {
        /// How large it may be.
        mebibytes: usize,
    },
    /// A file that holds no record.
    #[error("{found}")]
    NoRecords {
        /// What it is instead.
        found: &'static str,
    },
    /// A file whose text is none that records are written in.
    #[error(
        "is neither a JSON array nor JSON lines, nor either compressed with gzip or zstd, nor Parquet"
    )]
    NotRecords,
    /// A file none of whose records is of a known form.
    #[error("is {layout}, of no form that is read: {place} {found}")]
    NoForm {
        /// The file's layout.
        layout: &'static str,
        /// Which record.
        place: Place,
        /// What that is.
        found: String,
    },
    /// A record of no known form, in a file of others that are.
    #[error("is not in the form {form}, as others of its file are: it {found}")]
    OtherForm {
        /// The others' form.
        form: &'static str,
        /// What it is.
        found: String,
    },
    /// A Parquet table where they cannot be read.
    #[error(
        "is a Parquet table, which this build does not read: build with `--features parquet`, or write it as JSON lines \
         (in Python: pandas.read_parquet(FILE).to_json(\"FILE.jsonl\", orient=\"records\", lines=True))"
    )]
    NoParquet,
    /// A Parquet table that cannot be read.
    #[error("is a Parquet table that cannot be read: {problem}")]
    Parquet {
        /// What is wrong with it.
        problem: String,
    },
    /// What is wrong with a file that was looked at before.
    #[error(transparent)]
    Same(Arc<RecordError>),
    /// A key is absent, or null, which is the same.
    #[error("{} `{key}`{}", lacks(within), if *is_null { " (it is null)" } else { "" })]
    Missing {
        /// The absent key.
        key: String,
        /// The object that lacks it; empty where that is the whole.
        within: String,
        /// Whether the key is there with the value null.
        is_null: bool,
    },
    /// A value is of another type than it must be.
    #[error("{} is {found}, not {expected}", place(path))]
    Type {
        /// Where it stands.
        path: String,
        /// What it must be.
        expected: Cow<'static, str>,
        /// What it is: its JSON, shortened.
        found: String,
    },
    /// A value that is wrong in another way.
    #[error("{}: {problem}", place(path))]
    Wrong {
        /// Where it stands.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value is none of those that are known.
    #[error("{} is {found}, not one of {expected}", place(path))]
    Unknown {
        /// Where it stands.
        path: String,
        /// What is known.
        expected: &'static str,
        /// What it is: its JSON, shortened.
        found: String,
    },
    /// `train_messages` holds no path.
    #[error("`{path}` is empty")]
    Empty {
        /// Where it stands.
        path: String,
    },
    /// Arguments of a call that are no JSON, whatever is forgiven.
    #[error(
        "`{path}` calls {name} with arguments that are not readable as JSON ({found}); \
         data.arguments = \"published\" reads those of ToolBench's data as the published pipeline does"
    )]
    Arguments {
        /// Where the call stands.
        path: String,
        /// The function.
        name: String,
        /// The arguments, shortened.
        found: String,
    },
    /// A file of a kind that is well known and holds no record.
    #[error("is {0}")]
    Recognised(&'static str),
    /// An observation that only `data.observations = "response-or-error"` can render.
    #[error(
        "`{path}` holds no `response` that is a string (found {found}); \
         data.observations = \"response-or-error\" reads it"
    )]
    Observation {
        /// Where the function message stands.
        path: String,
        /// What is there instead: its JSON, shortened.
        found: String,
    },
}

impl RecordError {
    /// The same at another place, which is made of the one that it names.
    #[must_use]
    pub(crate) fn with_path(mut self, other: impl FnOnce(&str) -> String) -> Self {
        match &mut self {
            Self::Missing { within: path, .. }
            | Self::Type { path, .. }
            | Self::Wrong { path, .. }
            | Self::Unknown { path, .. }
            | Self::Empty { path }
            | Self::Arguments { path, .. }
            | Self::Observation { path, .. } => *path = other(path),
            // Those of which `path` says that the whole is wrong.
            _ => {}
        }
        self
    }

    /// Where the value stands that is wrong, or that lacks something; none where the whole is wrong.
    pub fn path(&self) -> Option<&str> {
        let path = match self {
            Self::Io(_)
            | Self::Encoding(_)
            | Self::Json(_)
            | Self::Broken { .. }
            | Self::TooLarge { .. }
            | Self::NoRecords { .. }
            | Self::NotRecords
            | Self::NoForm { .. }
            | Self::OtherForm { .. }
            | Self::NoParquet
            | Self::Recognised(_)
            | Self::Parquet { .. } => return None,
            Self::Same(same) => return same.path(),
            Self::Missing { within, .. } => within,
            Self::Type { path, .. }
            | Self::Wrong { path, .. }
            | Self::Unknown { path, .. }
            | Self::Empty { path }
            | Self::Arguments { path, .. }
            | Self::Observation { path, .. } => path,
        };
        Some(path.as_str()).filter(|path| !path.is_empty())
    }
}

/// A path as a sentence names it.
fn place(path: &str) -> String {
    match path {
        "" => "it".to_owned(),
        path => format!("`{path}`"),
    }
}

/// The beginning of the sentence that something is absent.
fn lacks(within: &str) -> String {
    match within {
        "" => "there is no".to_owned(),
        within => format!("`{within}` has no"),
    }
}

/// Where a record stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a line, from 1.
    Line(usize),
    /// Behind so many others.
    Index(usize),
}

/// As it follows the file's name: `:3` or `[2]`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, ":{line}"),
            Place::Index(index) => write!(f, "[{index}]"),
        }
    }
}
