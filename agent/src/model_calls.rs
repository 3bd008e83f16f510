//! Calls of models' servers, and those of them that failed.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// How many calls of models' servers were made, and how many of them failed for a reason that is no model's: a key, the
/// network, a time-out, a server that wants fewer calls. Each was made again: no rate counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCalls {
    /// Calls, those that were made again included.
    pub made: usize,
    /// Those of them that failed, by what went wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, usize>,
}

/// More than this share of failed calls is worth a warning.
const MANY: f64 = 0.05;

impl ModelCalls {
    /// Whether none was made.
    pub fn is_empty(&self) -> bool {
        self.made == 0 && self.failed.is_empty()
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.failed.values().sum()
    }

    /// Whether so many failed (more than 5 %) that it is worth a warning.
    pub fn lacks_many(&self) -> bool {
        self.failed() as f64 > MANY * self.made as f64
    }

    /// In words, how many failed, and why; none where none did.
    pub fn told(&self) -> Option<String> {
        let failed = self.failed();
        let mut causes: Vec<(&String, &usize)> = self.failed.iter().collect();
        causes.sort_by(|one, other| other.1.cmp(one.1));
        let causes: Vec<String> = causes
            .into_iter()
            .map(|(cause, count)| format!("{cause}: {count}"))
            .collect();
        (failed > 0).then(|| {
            format!(
                "{failed} of {} calls of model servers failed for no reason of a model's and were made again ({})",
                self.made,
                causes.join(", ")
            )
        })
    }

    /// Those that were made since `earlier`, which is a part of them.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut failed = self.failed.clone();
        for (cause, count) in &earlier.failed {
            if let Some(all) = failed.get_mut(cause) {
                *all = all.saturating_sub(*count);
            }
        }
        failed.retain(|_, count| *count > 0);
        Self {
            made: self.made.saturating_sub(earlier.made),
            failed,
        }
    }
}

impl AddAssign<&ModelCalls> for ModelCalls {
    fn add_assign(&mut self, other: &ModelCalls) {
        self.made += other.made;
        for (cause, count) in &other.failed {
            *self.failed.entry(cause.clone()).or_default() += count;
        }
    }
}
