//! The test queries, which nothing is trained on.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::SourceError;
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

/// Reads the ids of every test set in a directory.
pub(super) fn open(directory: &Path) -> Result<HashSet<String>, SourceError> {
    let failed = |path: PathBuf, problem: String| SourceError::TestQueries { path, problem };
    let mut ids = HashSet::new();
    let mut found = false;
    for set in TEST_SETS {
        let path = directory.join(format!("{set}.json"));
        match std::fs::read_to_string(&path) {
            Ok(text) => add(&text, &mut ids).map_err(|problem| failed(path, problem))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(path, error.to_string())),
        }
        found = true;
    }
    if !found {
        let problem = if directory.is_dir() {
            "the directory holds none of the six test sets"
        } else {
            "no such directory"
        };
        return Err(failed(directory.to_owned(), problem.to_owned()));
    }
    Ok(ids)
}

/// Whether a file of this name is a test set.
pub(super) fn is_test_set(file_name: &str) -> bool {
    file_name
        .strip_suffix(".json")
        .is_some_and(|set| TEST_SETS.contains(&set))
}

/// Adds the ids of one test set: the keys of an object, or the elements of an array. The problem, where there is
/// one, is for [`SourceError::TestQueries`].
pub(super) fn add(text: &str, ids: &mut HashSet<String>) -> Result<(), String> {
    match json::loads(text).map_err(|error| format!("is not valid JSON: {error}"))? {
        Value::Object(object) => ids.extend(object.into_iter().map(|(id, _)| id)),
        Value::Array(elements) => {
            for element in elements {
                ids.insert(match element {
                    Value::String(id) => id,
                    Value::Number(id) => id.to_string(),
                    other => return Err(format!("{other} is no query id")),
                });
            }
        }
        _ => return Err("is neither an object nor an array of query ids".to_owned()),
    }
    Ok(())
}
