//! The test queries, which nothing is trained on.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::{RecordError, SourceError, TestQueriesError};
use crate::bounded;
use crate::python::json;

/// The test sets, by the names of their files without `.json`.
const TEST_SETS: [&str; 6] = [
    "G1_category",
    "G1_instruction",
    "G1_tool",
    "G2_category",
    "G2_instruction",
    "G3_instruction",
];

/// Real ones have some kilobytes.
const LARGEST: u64 = 64 << 20;

/// Reads the ids of every test set in a directory.
pub(super) fn open(directory: &Path) -> Result<HashSet<String>, SourceError> {
    let mut ids = HashSet::new();
    let mut found = false;
    for set in TEST_SETS {
        let path = directory.join(format!("{set}.json"));
        let bytes = match bounded::read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(&path, RecordError::Io(error).into())),
        };
        std::str::from_utf8(&bytes)
            .map_err(|error| RecordError::Encoding(error).into())
            .and_then(|text| add(text, &mut ids))
            .map_err(|problem| failed(&path, problem))?;
        found = true;
    }
    if found {
        return Ok(ids);
    }
    Err(failed(
        directory,
        if directory.is_dir() {
            TestQueriesError::NoTestSet
        } else {
            TestQueriesError::NoDirectory
        },
    ))
}

/// The error of a directory or file of test queries.
pub(super) fn failed(path: &Path, problem: TestQueriesError) -> SourceError {
    SourceError::TestQueries {
        path: path.to_owned(),
        problem,
    }
}

/// Whether a file of this name is a test set.
pub(super) fn is_test_set(file_name: &str) -> bool {
    file_name
        .strip_suffix(".json")
        .is_some_and(|set| TEST_SETS.contains(&set))
}

/// Adds the ids of one test set: the keys of an object, or the elements of an array.
pub(super) fn add(text: &str, ids: &mut HashSet<String>) -> Result<(), TestQueriesError> {
    match json::loads(text).map_err(RecordError::Json)? {
        Value::Object(object) => ids.extend(object.into_iter().map(|(id, _)| id)),
        Value::Array(elements) => {
            for element in elements {
                ids.insert(match element {
                    Value::String(id) => id,
                    Value::Number(id) => id.to_string(),
                    _ => return Err(TestQueriesError::NotIds),
                });
            }
        }
        _ => return Err(TestQueriesError::NotIds),
    }
    Ok(())
}
