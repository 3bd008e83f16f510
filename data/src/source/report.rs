//! What became of a source's records.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Record;

/// What became of one record that is not bad.
pub(super) enum Outcome {
    Kept(Box<Record>),
    TestQuery,
    NoMessages,
    Invalid,
}

/// A record that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Its file, and its index where the file holds several.
    pub record: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of the records of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// How many the source has.
    pub records: usize,
    /// How many are used.
    pub kept: usize,
    /// Left out because they answer a test query.
    pub test_queries: usize,
    /// Left out because the run was cut off before it had a path (`train_messages` is absent).
    pub without_messages: usize,
    /// Left out because `valid_data` is not true and only valid answers are asked for.
    pub invalid: usize,
    /// Left out because they cannot be read.
    pub bad: Vec<BadRecord>,
}

/// One line: `5 of 9 records kept; 2 of test queries, …`.
impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} records kept", self.kept, self.records)?;
        let mut mark = "; ";
        for (count, what) in [
            (self.test_queries, "of test queries"),
            (self.without_messages, "without train_messages"),
            (self.invalid, "not valid"),
            (self.bad.len(), "bad"),
        ] {
            if count > 0 {
                write!(f, "{mark}{count} {what}")?;
                mark = ", ";
            }
        }
        if let Some(first) = self.bad.first() {
            write!(f, " (first: {}: {})", first.record, first.reason)?;
        }
        Ok(())
    }
}
