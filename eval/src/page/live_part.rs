//! A live evaluation's part of the page, from the directory that it leaves.

mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use glpft_agent::readable;
use glpft_checkpoints::read_json;
use serde_json::Value;

use super::other_models::others;
use crate::live_evaluation::{
    BatchTime, LIVE_FILE, LiveReport, ROLLOUTS_FILE, VERDICTS_FILE, read_rollouts, read_verdicts,
};
use crate::rollout::{End, RolloutRecord};
use crate::static_evaluation::{MANIFEST_FILE, TIMES_FILE};
use crate::tool_eval::{TaskVerdict, UnjudgedPart};

pub(super) use tree::of_file;
use tree::of_path;

pub use tree::TreeStep;

/// How many rollouts that pass, and that do not, are shown.
const SHOWN: usize = 4;

/// A live evaluation.
#[derive(Clone, Debug)]
pub struct LivePart {
    /// Its name.
    pub name: String,
    /// Roles whose models were others than the run has now. Where there are any, nothing else is told.
    pub others: Vec<String>,
    /// What it came to; none where it is unfinished.
    pub report: Option<LiveReport>,
    /// Rollouts that pass, and that do not: how many, and some of them.
    pub samples: [(usize, Vec<RolloutSample>); 2],
    /// Wall time of the rollouts.
    pub seconds: f64,
}

/// A rollout to show.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutSample {
    /// The task's id.
    pub task: String,
    /// Its test set.
    pub group: String,
    /// What was to be done.
    pub query: String,
    /// How it ended.
    pub end: End,
    /// The answer.
    pub answer: String,
    /// Whether it passes.
    pub passed: bool,
    /// Why, as the judge has it.
    pub reason: String,
    /// Steps that were said.
    pub steps: usize,
    /// The first steps, each with those that follow it.
    pub tree: Vec<TreeStep>,
}

impl LivePart {
    /// Reads a live evaluation's directory; none where it holds no rollouts. What cannot be read is told in `problems`.
    /// `models` are fingerprints of the run's models as they are now, by role.
    pub fn read(
        name: &str,
        directory: &Path,
        models: &BTreeMap<String, String>,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        if !directory.join(ROLLOUTS_FILE).is_file() {
            return None;
        }
        let mut part = Self {
            name: name.to_owned(),
            others: others(&directory.join(MANIFEST_FILE), models, problems),
            report: None,
            samples: [(0, Vec::new()), (0, Vec::new())],
            seconds: 0.0,
        };
        let report = directory.join(LIVE_FILE);
        if !part.others.is_empty() || !report.is_file() {
            return Some(part);
        }
        match read_json(&report) {
            Ok(report) => part.report = Some(report),
            Err(error) => problems.push(error.to_string()),
        }
        part.seconds = seconds(&directory.join(TIMES_FILE));
        match (read_rollouts(directory), read_verdicts(directory)) {
            (Ok(rollouts), Ok(verdicts)) if are_of(&verdicts, &rollouts, part.unjudged()) => {
                part.samples =
                    [true, false].map(|passed| samples(directory, &rollouts, &verdicts, passed));
            }
            (Ok(_), Ok(_)) => problems.push(format!(
                "{}: it is not of the rollouts beside it",
                directory.join(VERDICTS_FILE).display()
            )),
            (Err(error), _) | (_, Err(error)) => problems.push(error.to_string()),
        }
        Some(part)
    }

    /// How many tasks have no verdict, since the judge gave no judgment of them.
    fn unjudged(&self) -> usize {
        let unjudged = self.report.iter().flat_map(|report| &report.unjudged);
        unjudged
            .filter(|one| one.part == UnjudgedPart::Passing)
            .count()
    }
}

/// A task's test set and id.
type Name<'a> = (&'a str, &'a str);

fn by_name(rollouts: &[RolloutRecord]) -> BTreeMap<Name<'_>, &RolloutRecord> {
    rollouts
        .iter()
        .map(|one| ((one.group.as_str(), one.task.as_str()), one))
        .collect()
}

/// Whether the verdicts are of these rollouts, `unjudged` of which have none.
fn are_of(verdicts: &[TaskVerdict], rollouts: &[RolloutRecord], unjudged: usize) -> bool {
    let all = by_name(rollouts);
    verdicts.len() + unjudged == rollouts.len()
        && verdicts
            .iter()
            .all(|one| all.contains_key(&(one.group.as_str(), one.task.as_str())))
}

/// How many rollouts pass, or do not, and some of them, evenly spread.
fn samples(
    directory: &Path,
    rollouts: &[RolloutRecord],
    verdicts: &[TaskVerdict],
    passed: bool,
) -> (usize, Vec<RolloutSample>) {
    let rollouts = by_name(rollouts);
    let all: Vec<(&RolloutRecord, &TaskVerdict)> = verdicts
        .iter()
        .filter(|verdict| verdict.passing.passed == passed)
        .filter_map(|verdict| {
            let name = (verdict.group.as_str(), verdict.task.as_str());
            Some((*rollouts.get(&name)?, verdict))
        })
        .collect();
    let shown = all.len().min(SHOWN);
    let sample = |index: usize| {
        let (rollout, verdict) = all[index * all.len() / shown];
        RolloutSample {
            task: rollout.task.clone(),
            group: rollout.group.clone(),
            query: rollout.query.clone(),
            end: rollout.end,
            answer: readable(rollout.answer()).to_owned(),
            passed,
            reason: verdict.passing.reason.clone(),
            steps: rollout.query_count,
            tree: tree(directory, rollout),
        }
    };
    (all.len(), (0..shown).map(sample).collect())
}

/// The whole tree where its file can be read, else the path that the rollout ended with.
fn tree(directory: &Path, rollout: &RolloutRecord) -> Vec<TreeStep> {
    let name = Path::new(&rollout.answer_file);
    // A name from a file must not lead out of the evaluation.
    let inside = name
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let file: Option<Value> = (inside && !rollout.answer_file.is_empty())
        .then(|| read_json(&directory.join(name)).ok())
        .flatten();
    match file.map(|file| of_file(&file)) {
        Some(steps) if !steps.is_empty() => steps,
        _ => of_path(rollout),
    }
}

/// Times are worth no error: a line that cannot be read is left out.
fn seconds(path: &Path) -> f64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let times = text
        .lines()
        .filter_map(|line| serde_json::from_str::<BatchTime>(line).ok());
    times.map(|time| time.rollouts).sum()
}
