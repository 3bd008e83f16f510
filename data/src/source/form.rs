//! Forms: what a record may look like, told apart by content. Each has a file in `form/` and a line in [`FORMS`].

mod anthropic;
mod chat;
mod hermes;
mod openai;
mod role;
mod sharegpt;
mod stage_1;
mod stage_2;
mod tags;
mod toolllama;
mod tools;
mod turns;
mod xlam;

use serde_json::{Map, Value};

use super::Record;
use crate::field::Field;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;

/// The forms of records in files, the more particular ones first: a record is of the first that it looks like.
pub(super) const FORMS: &[&Form] = &[
    &stage_1::FORM,
    &stage_2::FORM,
    &role::FORM,
    &xlam::FORM,
    &anthropic::FORM,
    &toolllama::FORM,
    &hermes::FORM,
    &openai::FORM,
    &sharegpt::FORM,
];

/// What a record may look like.
#[derive(Debug)]
pub(super) struct Form {
    /// Its name in files, tables and messages.
    pub name: &'static str,
    /// The keys of its records, for the nearest form of a record that is of none; the telling ones first.
    pub keys: &'static [&'static str],
    /// Whether a record looks like one of this form, however broken it may be inside.
    pub is: fn(&Value) -> bool,
    /// Reads a record.
    pub read: fn(&Field<'_>, &ReadOptions) -> Result<Record, RecordError>,
}

/// The form that a record looks like.
pub(super) fn form_of(record: &Value) -> Option<&'static Form> {
    FORMS.iter().copied().find(|form| (form.is)(record))
}

/// What a record is that looks like none of the forms: the nearest one, and what it lacks of that.
pub(super) fn describe(record: &Value) -> String {
    let Some(object) = record.as_object() else {
        let problem = Field::root(record, "").not("an object").to_string();
        // It speaks of "it", which is named already.
        return problem.strip_prefix("it ").unwrap_or(&problem).to_owned();
    };
    if object.is_empty() {
        return "is an object without keys".to_owned();
    }
    let has = |key: &&str| object.get(*key).is_some_and(|value| !value.is_null());
    let keys: Vec<String> = object.keys().take(8).map(|key| shown(key)).collect();
    let keys = format!("has the keys {}", keys.join(", "));
    // The one of which it has the most keys, of those the one with the fewest.
    let nearest = FORMS.iter().rev().max_by_key(|form| {
        let held = form.keys.iter().filter(|key| has(key)).count();
        let similar = form.keys.iter().any(|key| similar(object, key).is_some());
        (held, similar, usize::MAX - form.keys.len())
    });
    let Some(form) = nearest else {
        return keys;
    };
    match form.keys.iter().find(|key| !has(key)) {
        Some(key) => match similar(object, key) {
            Some(other) => format!(
                "{keys}; {} has `{key}` where this has {}",
                form.name,
                shown(other)
            ),
            None if form.keys.iter().any(has) => {
                format!("{keys}; nearest is {}, but there is no `{key}`", form.name)
            }
            None => format!("{keys}: those of no form that is read"),
        },
        None => format!("{keys} of {}, but not its values", form.name),
    }
}

/// A key of the object's that may be meant for another.
fn similar<'o>(object: &'o Map<String, Value>, key: &str) -> Option<&'o str> {
    let is_similar = |other: &&String| {
        let other = other.to_ascii_lowercase();
        other != key && other.len() > 3 && (key.starts_with(&other) || other.starts_with(key))
            || other == key
    };
    object
        .keys()
        .find(|other| *other != key && is_similar(other))
        .map(String::as_str)
}

/// A key of a stranger's, short enough for a message.
fn shown(key: &str) -> String {
    let mut shown: String = key.chars().take(32).collect();
    if shown.len() < key.len() {
        shown.push('…');
    }
    format!("`{}`", shown.escape_debug())
}
