//! The test queries, which nothing is trained on.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::recognise::read_text;
use super::{SourceError, TestQueriesError};
use crate::bounded;
use crate::python::json;
use crate::query::level_query;
use crate::record_error::RecordError;

/// The test sets, by the names of their files without `.json`.
const TEST_SETS: [&str; 6] = [
    "G1_category",
    "G1_instruction",
    "G1_tool",
    "G2_category",
    "G2_instruction",
    "G3_instruction",
];

/// ToolBench's folder of the same sets with their texts, beside that of their ids.
const TEXTS: &str = "test_instruction";

/// Real ones have some megabytes.
const LARGEST: u64 = 64 << 20;

/// Which queries are test queries.
#[derive(Debug, Default)]
pub(super) struct TestQueries {
    /// Their ids.
    pub ids: HashSet<String>,
    /// Their texts, levelled, where they are told.
    pub texts: HashSet<String>,
}

/// Reads every test set in a directory, and the texts in `test_instruction` beside it where that is there.
pub(super) fn open(directory: &Path) -> Result<TestQueries, SourceError> {
    let mut queries = TestQueries::default();
    let mut found = false;
    for set in TEST_SETS {
        found |= read_set(&directory.join(format!("{set}.json")), &mut queries)?;
    }
    if !found {
        return Err(failed(
            directory,
            match directory.is_dir() {
                true => TestQueriesError::NoTestSet,
                false => TestQueriesError::NoDirectory,
            },
        ));
    }
    if let Some(texts) = directory.parent().map(|parent| parent.join(TEXTS)) {
        for set in TEST_SETS {
            let mut told = TestQueries::default();
            read_set(&texts.join(format!("{set}.json")), &mut told)?;
            // Which ids are left out is for the directory of ids to say.
            queries.texts.extend(told.texts);
        }
    }
    Ok(queries)
}

/// Adds one test set; whether it is there.
fn read_set(path: &Path, queries: &mut TestQueries) -> Result<bool, SourceError> {
    let bytes = match bounded::read(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(path, RecordError::Io(error).into())),
    };
    read_text(&bytes, |text| Ok(json::loads(text)?))
        .map_err(TestQueriesError::from)
        .and_then(|set| add_value(set, queries))
        .map_err(|problem| failed(path, problem))?;
    Ok(true)
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

/// Adds the queries of one test set.
pub(super) fn add(text: &str, queries: &mut TestQueries) -> Result<(), TestQueriesError> {
    add_value(json::loads(text).map_err(RecordError::Json)?, queries)
}

/// Adds the queries of one test set: the keys of an object, the elements of an array, or the `query_id` and `query` of the
/// objects in it.
fn add_value(set: Value, queries: &mut TestQueries) -> Result<(), TestQueriesError> {
    match set {
        Value::Object(object) => queries.ids.extend(object.into_iter().map(|(id, _)| id)),
        Value::Array(elements) => {
            for element in elements {
                match element {
                    Value::Object(query) => {
                        let id = query.get("query_id").and_then(id);
                        let text = query.get("query").and_then(Value::as_str).map(level_query);
                        if id.is_none() && text.is_none() {
                            return Err(TestQueriesError::NotIds);
                        }
                        queries.ids.extend(id);
                        queries.texts.extend(text);
                    }
                    other => {
                        queries
                            .ids
                            .insert(id(&other).ok_or(TestQueriesError::NotIds)?);
                    }
                }
            }
        }
        _ => return Err(TestQueriesError::NotIds),
    }
    Ok(())
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
