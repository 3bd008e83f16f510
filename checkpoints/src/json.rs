//! JSON files: written pretty and whole, read with a bound on their size.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{FileError, foreign_content, without_mark, write_atomically};

/// No configuration, state or index is larger; a file that is, is not one.
const LARGEST: u64 = 64 << 20;

/// A JSON file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is not what was expected.
    #[error("{}: {message}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What the parser says, with line and column.
        message: String,
    },
}

/// Writes `value` as indented JSON with a final newline; the file appears whole or not at all.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), JsonError> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| JsonError::Content {
        path: path.to_owned(),
        message: format!("cannot be written as JSON: {error}"),
    })?;
    Ok(write_atomically(path, |writer| {
        writer.write_all(&text)?;
        writer.write_all(b"\n")
    })?)
}

/// Reads a JSON file of at most 64 MiB, with or without a byte order mark.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, JsonError> {
    let bytes = read_bounded(path, LARGEST)?;
    parse_json(&bytes).map_err(|message| JsonError::Content {
        path: path.to_owned(),
        message,
    })
}

/// Takes the bytes of a JSON file, with or without a byte order mark. What is wrong is told as what the file is, where
/// that is well known ([`foreign_content`]), else as the parser says it, with line and column.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(without_mark(bytes)).map_err(|error| match foreign_content(bytes) {
        // Whole JSON that lacks a key is that, whatever it begins with.
        Some(what) if !error.is_data() => format!("it is {what}"),
        _ => error.to_string(),
    })
}

pub(crate) fn read_value(path: &Path) -> Result<Value, JsonError> {
    read_json(path)
}

/// Reads a whole regular file of at most `largest` bytes.
pub(crate) fn read_bounded(path: &Path, largest: u64) -> Result<Vec<u8>, JsonError> {
    let failed = |source| FileError::new("read", path, source);
    // Opening a pipe would wait for its writer, reading a device might never end.
    let found = fs::metadata(path).map_err(failed)?;
    let content = |message: String| JsonError::Content {
        path: path.to_owned(),
        message,
    };
    if !found.is_file() {
        return Err(content("is not a regular file".into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > largest {
        return Err(content(format!("is larger than {} MiB", largest >> 20)));
    }
    Ok(bytes)
}
