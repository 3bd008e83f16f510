//! What became of a source's records.

use std::collections::BTreeMap;
use std::fmt;

use glpft_recipes::counted;
use serde::{Deserialize, Serialize};

use super::{Record, StepCounts};
use crate::chat::OBSERVATION_CHARACTERS;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// How many the source has.
    pub records: usize,
    /// How many are used; one that is read several times counts once.
    pub kept: usize,
    /// Left out because they answer a test query.
    pub test_queries: usize,
    /// How many have the text of a test query under an id that is none of the test queries'. They are among
    /// `test_queries` where they were left out, else among `kept`.
    #[serde(default)]
    pub test_query_texts: usize,
    /// Left out because the run was cut off before it had a path (`train_messages` is absent).
    pub without_messages: usize,
    /// Left out because `valid_data` is not true and only valid answers are asked for.
    pub invalid: usize,
    /// Left out because they cannot be read.
    pub bad: Vec<BadRecord>,
    /// The steps of the records that are used, without those of roles that their source does not train.
    #[serde(default)]
    pub steps: StepCounts,
    /// How many of these steps are not learned because something is wrong with them, by what that is.
    #[serde(default)]
    pub faults: BTreeMap<String, usize>,
    /// The first of them.
    #[serde(default)]
    pub first_faults: Vec<BadRecord>,
    /// Keys that say something and are not read, with the number of records used that have them.
    #[serde(default)]
    pub unread: BTreeMap<String, usize>,
    /// How many tools' replies in records used were cut at [`OBSERVATION_CHARACTERS`] characters.
    #[serde(default)]
    pub cut_replies: usize,
    /// What functions' descriptions and schemas say that prompts do not show, with the number of records used where that is so;
    /// no more than a few of them are named.
    #[serde(default)]
    pub not_shown: BTreeMap<String, usize>,
    /// How many records used have a function of which prompts do not show all.
    #[serde(default)]
    pub with_not_shown: usize,
    /// Records that are the same as one before, in this source or an earlier one; left out where that is asked for.
    #[serde(default)]
    pub duplicates: usize,
    /// Usable records that the source's weight or its roles leave out.
    #[serde(default)]
    pub left_out: usize,
    /// How many records the source's weight adds by reading some again.
    #[serde(default)]
    pub repeated: usize,
    /// Of several sources, each one's report; the others are their sums.
    #[serde(default)]
    pub parts: Vec<PartReport>,
}

/// What became of the records of one of several sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartReport {
    /// Its name in the recipe.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Its form.
    pub form: String,
    /// Its share of an epoch.
    pub weight: f64,
    /// What became of its records.
    pub report: SourceReport,
}

/// How many faults of steps are told one by one.
const FIRST_FAULTS: usize = 100;

impl SourceReport {
    /// Adds one of several sources.
    pub(super) fn add(&mut self, part: PartReport) {
        let report = &part.report;
        self.records += report.records;
        self.kept += report.kept;
        self.test_queries += report.test_queries;
        self.without_messages += report.without_messages;
        self.invalid += report.invalid;
        self.duplicates += report.duplicates;
        self.left_out += report.left_out;
        self.repeated += report.repeated;
        self.steps.add(report.steps);
        for (kind, count) in &report.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        for (key, count) in &report.unread {
            *self.unread.entry(key.clone()).or_default() += count;
        }
        for (what, count) in &report.not_shown {
            *self.not_shown.entry(what.clone()).or_default() += count;
        }
        self.with_not_shown += report.with_not_shown;
        self.cut_replies += report.cut_replies;
        self.test_query_texts += report.test_query_texts;
        self.bad.extend(report.bad.iter().cloned());
        let room = FIRST_FAULTS.saturating_sub(self.first_faults.len());
        let first = report.first_faults.iter().take(room);
        self.first_faults.extend(first.cloned());
        self.parts.push(part);
    }

    /// Counts a record that is used, so many of whose steps came without a rationale.
    pub(super) fn keep(
        &mut self,
        name: &dyn Fn() -> String,
        record: &Record,
        without_rationale: usize,
    ) {
        self.kept += 1;
        self.note_unread(record);
        self.note_not_shown(record);
        let conversation = &record.conversation;
        self.cut_replies += conversation.marks.cut_replies;
        self.steps.add(StepCounts {
            without_rationale,
            ..StepCounts::of(conversation)
        });
        for fault in &conversation.marks.faults {
            let kind = fault.kind.name().to_owned();
            *self.faults.entry(kind).or_default() += 1;
            if self.first_faults.len() < FIRST_FAULTS {
                self.first_faults.push(BadRecord {
                    record: name(),
                    reason: fault.reason.clone(),
                });
            }
        }
    }

    /// Counts the keys of a record that are not read.
    fn note_unread(&mut self, record: &Record) {
        for key in record.trajectory.iter().flat_map(|one| &one.unread) {
            // Keys are strangers' text: no more than a few are kept.
            if self.unread.len() < MOST_KEYS || self.unread.contains_key(key) {
                *self.unread.entry(key.clone()).or_default() += 1;
            }
        }
    }

    /// Counts what prompts do not show of a record's functions.
    fn note_not_shown(&mut self, record: &Record) {
        let tools = record.conversation.tools.iter();
        let mut not_shown = tools.flat_map(|tool| tool.lost()).peekable();
        self.with_not_shown += usize::from(not_shown.peek().is_some());
        for what in not_shown {
            if self.not_shown.len() < MOST_KEYS || self.not_shown.contains_key(what) {
                *self.not_shown.entry(what.clone()).or_default() += 1;
            }
        }
    }

    /// What ought to be told of records that are used, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.unread.is_empty() {
            let keys: Vec<String> = self
                .unread
                .iter()
                .map(|(key, count)| format!("`{key}` ({})", counted(count, "record", "records")))
                .collect();
            warnings.push(format!(
                "the source has keys that are not read: {}",
                keys.join(", ")
            ));
        }
        if self.cut_replies > 0 {
            warnings.push(format!(
                "{} cut at {OBSERVATION_CHARACTERS} characters, as ToolBench's are",
                counted(
                    self.cut_replies,
                    "reply of a tool is",
                    "replies of tools are"
                )
            ));
        }
        if let Some((first, _)) = self.not_shown.first_key_value() {
            warnings.push(format!(
                "{} functions whose descriptions or schemas say more than prompts show, such as: {first}",
                counted(self.with_not_shown, "record has", "records have")
            ));
        }
        if self.test_query_texts > 0 {
            warnings.push(format!(
                "{} the text of a test query under another id",
                counted(self.test_query_texts, "record has", "records have")
            ));
        }
        warnings
    }
}

/// How many keys that are not read, or sentences that are not shown, a report names.
const MOST_KEYS: usize = 20;

/// One line: `5 of 9 records kept; 2 of test queries, …`.
impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = counted(self.records, "record", "records");
        write!(f, "{} of {records} kept", self.kept)?;
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
        if self.duplicates > 0 {
            write!(
                f,
                "{mark}{}",
                counted(self.duplicates, "duplicate", "duplicates")
            )?;
        }
        if let Some(first) = self.bad.first() {
            write!(f, " (first: {}: {})", first.record, first.reason)?;
        }
        for warning in self.warnings() {
            write!(f, "; {warning}")?;
        }
        Ok(())
    }
}
