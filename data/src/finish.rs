//! What a `Finish` call says, however broken its arguments are.

use glpft_recipes::Arguments;
use serde_json::{Map, Value};

use crate::field::Field;
use crate::lenient::{Ending, lenient_object};
use crate::python::{json, strip};
use crate::record_error::RecordError;
use crate::turn::NO_ANSWER;

const RETURN_TYPE: &str = "return_type";
const FINAL_ANSWER: &str = "final_answer";
const GIVE_ANSWER: &str = "give_answer";
const GIVE_UP: &str = "give_up_and_restart";

/// The arguments of `Finish`.
pub(crate) const FINISH_ARGUMENTS: [&str; 2] = [RETURN_TYPE, FINAL_ANSWER];

/// How a trajectory ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Without an answer, to be started anew.
    GiveUp,
    /// With this answer.
    Answer(String),
}

/// Reads the arguments of a `Finish` call by their keys, with the tolerance of [`lenient_object`]: `return_type` alone
/// decides whether it gives up, `final_answer` is the answer. `None` where they are not readable, or say neither.
pub fn read_finish(arguments: &str) -> Option<Finish> {
    let read = lenient_object(arguments, &FINISH_ARGUMENTS)?;
    by_keys(read.value.as_object()?, read.ending)
}

fn by_keys(arguments: &Map<String, Value>, ending: Ending) -> Option<Finish> {
    let is_whole = ending == Ending::Whole;
    let mut return_type = arguments.get(RETURN_TYPE).and_then(Value::as_str);
    // One that was cut is the one that begins so, and none where both do.
    if let Some(cut) = return_type
        && ending == Ending::Cut
        && arguments.keys().next_back().map(String::as_str) == Some(RETURN_TYPE)
    {
        let known = [GIVE_ANSWER, GIVE_UP].into_iter();
        let mut meant = known.filter(|whole| whole.starts_with(cut));
        match (meant.next(), meant.next()) {
            (Some(_), Some(_)) => return None,
            (Some(whole), None) => return_type = Some(whole),
            _ => {}
        }
    }
    if return_type == Some(GIVE_UP) {
        return Some(Finish::GiveUp);
    }
    match arguments.get(FINAL_ANSWER) {
        // What a whole text lacks there is not; what is missing from one that was cut is not known.
        None | Some(Value::Null) => {
            let is_empty = is_whole && return_type == Some(GIVE_ANSWER);
            is_empty.then(|| Finish::Answer(NO_ANSWER.to_owned()))
        }
        Some(answer) => text(answer).map(Finish::Answer),
    }
}

/// No value but a string is an answer to learn from as it stands; its JSON text is the nearest one.
fn text(answer: &Value) -> Option<String> {
    match answer {
        Value::String(answer) => Some(answer.clone()),
        other => json::dumps(other).ok(),
    }
}

/// What a record says besides its messages of how its path ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordedEnd {
    /// `final_answer`: the text of Finish's arguments, or the answer itself.
    pub final_answer: Option<String>,
}

impl RecordedEnd {
    /// Reads it of a raw answer's `answer_generation`.
    pub fn of_answer(answer: &Field<'_>) -> Result<Self, RecordError> {
        let final_answer = match answer.find(FINAL_ANSWER)? {
            Some(answer) => text(answer.value()),
            None => None,
        };
        Ok(Self { final_answer })
    }

    /// How the path ends, where that can be told.
    fn finish(&self) -> Option<Finish> {
        let answer = self.final_answer.as_deref()?;
        let is_arguments = strip(answer).starts_with('{') || strip(answer).is_empty();
        read_finish(answer).or_else(|| (!is_arguments).then(|| Finish::Answer(answer.to_owned())))
    }
}

/// How a path ends that ends with these arguments; `content` is the rationale beside the call. What is not readable is
/// what the record says elsewhere of its end. `None`: it is not told anywhere.
pub(crate) fn finish(
    arguments: &str,
    content: Option<&str>,
    recorded: Option<&RecordedEnd>,
    reading: Arguments,
) -> Option<Finish> {
    match reading {
        Arguments::Published => Some(published_finish(arguments, content)),
        Arguments::Lenient => {
            read_finish(arguments).or_else(|| recorded.and_then(RecordedEnd::finish))
        }
    }
}

/// As the published pipeline reads the arguments: those that do not parse are searched, for a give-up by its name, for an
/// answer by its key and the space behind it; else the rationale is the answer.
fn published_finish(arguments: &str, content: Option<&str>) -> Finish {
    json::loads(arguments)
        .ok()
        .and_then(|parsed| published_object(&parsed))
        .unwrap_or_else(|| published_text(arguments, content))
}

fn published_object(arguments: &Value) -> Option<Finish> {
    let arguments = arguments.as_object()?;
    if arguments.get(RETURN_TYPE)? == GIVE_UP {
        return Some(Finish::GiveUp);
    }
    Some(Finish::Answer(match arguments.get(FINAL_ANSWER) {
        None => NO_ANSWER.to_owned(),
        Some(answer) => text(answer)?,
    }))
}

fn published_text(arguments: &str, content: Option<&str>) -> Finish {
    const ANSWER_KEY: &str = "\"final_answer\": ";
    if arguments.contains(GIVE_UP) {
        return Finish::GiveUp;
    }
    let answer = match arguments.split_once(ANSWER_KEY) {
        Some((_, answer)) => strip(answer).trim_matches('}').trim_matches('"'),
        None => content.unwrap_or(NO_ANSWER),
    };
    Finish::Answer(answer.to_owned())
}

#[cfg(test)]
mod tests;
