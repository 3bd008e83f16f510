//! A line of the log, and what tells it from others.

use glpft_agent::Task;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::judge::question::Question;
use crate::judge::status::Judgment;
use crate::rollout::RolloutRecord;

/// What tells a judgment from others, in the log's final order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub judge: String,
    pub task: String,
    pub question: Question,
    /// A fingerprint of all that was shown.
    pub shown: String,
    pub round: usize,
}

/// A line. (Numbers of arbitrary precision cannot be read through a flattened field.)
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub judge: String,
    pub task: String,
    pub question: Question,
    pub shown: String,
    pub round: usize,
    /// The judgment; absent where the judge gave none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    said: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Why there is no judgment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unjudged: Option<String>,
}

/// What is known of a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// Its judgment.
    Judged(Judgment<Value>),
    /// Why it has none.
    Unjudged(String),
}

impl Line {
    /// The question, and what is known of it; none where the line says neither.
    pub fn take_apart(self) -> Option<(Key, Known)> {
        let Self {
            judge,
            task,
            question,
            shown,
            round,
            said,
            reason,
            unjudged,
        } = self;
        let key = Key {
            judge,
            task,
            question,
            shown,
            round,
        };
        let known = match (unjudged, said) {
            (Some(why), _) => Known::Unjudged(why),
            (None, Value::Null) => return None,
            (None, said) => Known::Judged(Judgment { said, reason }),
        };
        Some((key, known))
    }
}

/// A line of the log.
pub(super) fn line(key: &Key, known: &Known) -> std::io::Result<Vec<u8>> {
    let key = key.clone();
    let (judgment, unjudged) = match known.clone() {
        Known::Judged(judgment) => (judgment, None),
        Known::Unjudged(why) => (Judgment::new(Value::Null, ""), Some(why)),
    };
    let mut line = serde_json::to_vec(&Line {
        judge: key.judge,
        task: key.task,
        question: key.question,
        shown: key.shown,
        round: key.round,
        said: judgment.said,
        reason: judgment.reason,
        unjudged,
    })?;
    line.push(b'\n');
    Ok(line)
}

/// All of a task that a judge may be shown.
pub(super) fn task_text(task: &Task) -> String {
    let functions: Vec<Value> = task.functions.iter().map(|one| one.to_json()).collect();
    format!("{}\n{}", task.query, Value::from(functions))
}

/// All of a rollout that a judge may be shown.
pub(super) fn rollout_text(rollout: &RolloutRecord) -> Vec<u8> {
    let shown = (
        rollout.end,
        &rollout.answer,
        &rollout.path,
        rollout.query_count,
    );
    // Its fields are texts and numbers: this does not fail.
    serde_json::to_vec(&shown).unwrap_or_default()
}
