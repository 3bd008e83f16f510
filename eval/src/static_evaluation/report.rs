//! `metrics.json`.

use std::path::Path;

use glpft_checkpoints::{JsonError, read_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statistics::RoleStatistics;
use super::steps::DataCounts;
use super::times::Times;
use crate::manifest::Manifest;
use crate::report::{MetricReport, Row};

/// The report's file.
pub const METRICS_FILE: &str = "metrics.json";

/// What an evaluation came to. As JSON, all that `glpft eval score --json` says of `predictions.jsonl`, and the keys
/// below beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaticReport {
    /// The metrics, their intervals, the confusion of plans, counts and notes.
    #[serde(flatten)]
    pub scores: MetricReport,
    /// Steps with nothing to find fault with ([`super::StepOutcome::is_right`]), by what the reference does.
    pub right: Row,
    /// What of the data was asked about.
    pub data: DataCounts,
    /// Who was asked how often, and what it took; in the roles' order, only those that were asked.
    pub roles: Vec<RoleStatistics>,
    /// The planner's turns without a tag: they count as calls. None of a single model.
    pub plans_without_tag: u64,
    /// Wall time by part, in seconds, over all starts.
    pub times: Times,
    /// What was evaluated, and how.
    pub evaluation: Manifest,
}

/// The keys beside the scores. (Numbers of arbitrary precision cannot be read through a flattened field.)
#[derive(Deserialize)]
struct Beside {
    right: Row,
    data: DataCounts,
    roles: Vec<RoleStatistics>,
    plans_without_tag: u64,
    times: Times,
    evaluation: Manifest,
}

impl StaticReport {
    /// Reads a finished evaluation's `metrics.json`.
    ///
    /// # Errors
    /// Where there is none, or it is something else.
    pub fn read(path: &Path) -> Result<Self, JsonError> {
        let content = |error: serde_json::Error| JsonError::Content {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let value: Value = read_json(path)?;
        let scores = MetricReport::from_value(&value).map_err(content)?;
        let Beside {
            right,
            data,
            roles,
            plans_without_tag,
            times,
            evaluation,
        } = serde_json::from_value(value).map_err(content)?;
        Ok(Self {
            scores,
            right,
            data,
            roles,
            plans_without_tag,
            times,
            evaluation,
        })
    }
}
