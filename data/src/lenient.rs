//! JSON as models write it: the one tolerant reader of arguments, judgments and replies.
//!
//! Strict JSON is read as it is. Else these are forgiven, each in a form that can be told for certain:
//! - text around an object, and fences of code around anything;
//! - raw line breaks and other control characters in strings, and escapes that JSON does not know;
//! - Python's way to write: single quotes, `True`, `False`, `None`; names without quotes; a comma too many or, at a line's
//!   end, too few;
//! - quotes inside a string that are not escaped: one that nothing of JSON follows closes no string;
//! - the first brace missing; the end missing, where [`Ending`] tells what was lost.
//!
//! What is meant is decided by keys and structure, never by where words stand. Everything else is not read at all.

mod parse;

use serde_json::Value;

use crate::python::json;
use parse::{Parser, Quotes, last_quotes};

/// How a text ended that was read as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// With the last bracket.
    Whole,
    /// Behind a value: brackets are missing, perhaps values as well.
    Unclosed,
    /// Inside a value, of which the beginning is read, or where one was to come: behind a comma or the first bracket, in a name,
    /// behind its colon.
    Cut,
}

/// What a text was read as.
#[derive(Clone, Debug, PartialEq)]
pub struct Lenient {
    /// The value.
    pub value: Value,
    /// How the text ended.
    pub ending: Ending,
}

/// Reads `text` as JSON, strictly if it can be, else with tolerance; `None` where it cannot be read.
pub fn lenient_json(text: &str) -> Option<Value> {
    read_lenient(text).map(|read| read.value)
}

/// [`lenient_json`] that also says how the text ended.
pub fn read_lenient(text: &str) -> Option<Lenient> {
    first(text, &mut |_| true)
}

/// [`lenient_json`] of a text that is one whole object or list and nothing else; `None` where something stands around it or
/// its end is missing.
pub(crate) fn whole_lenient_json(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let last = last_quotes(text);
    [Quotes::Escaped, Quotes::Bare]
        .into_iter()
        .find_map(|quotes| {
            let mut parser = Parser::new(text, 0, quotes, last);
            let read = parser.read()?;
            let is_whole = read.ending == Ending::Whole && parser.rest().is_empty();
            is_whole.then_some(read.value)
        })
}

/// The first object in `text` that has one of `keys` with a value that is not null. Where the text is a JSON string, the
/// object may stand in it: some models write arguments as a string in a string.
pub fn lenient_object(text: &str, keys: &[&str]) -> Option<Lenient> {
    let has_key = |value: &Value| {
        keys.iter()
            .any(|key| value.get(key).is_some_and(|value| !value.is_null()))
    };
    let read = first(text, &mut |value| has_key(value) || value.is_string())?;
    match &read.value {
        Value::String(inner) => first(inner, &mut |value| has_key(value)),
        _ => Some(read),
    }
}

/// The first reading that is wanted.
fn first(text: &str, wanted: &mut dyn FnMut(&Value) -> bool) -> Option<Lenient> {
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(value) = json::loads(text) {
        return wanted(&value).then_some(Lenient {
            value,
            ending: Ending::Whole,
        });
    }
    let inner = unfenced(text);
    if let Some(read) = at_beginning(inner, wanted) {
        return Some(read);
    }
    // Objects alone are looked for inside a text: a bracket or a number stands in many a sentence.
    let last = last_quotes(inner);
    let mut from = 0;
    // Every attempt costs what it reads. A text of nothing but braces is not read again from each of them.
    let mut allowed = inner.len().saturating_mul(4).saturating_add(1 << 12);
    while let Some(at) = inner[from..].find('{').map(|at| from + at) {
        let mut end = at + 1;
        let mut is_object = false;
        for quotes in [Quotes::Escaped, Quotes::Bare] {
            let mut parser = Parser::new(inner, at, quotes, last);
            let read = parser.read();
            allowed = allowed.saturating_sub(parser.position() - at);
            is_object |= parser.is_object();
            if let Some(read) = read
                && (quotes == Quotes::Bare || read.ending == Ending::Whole)
            {
                if wanted(&read.value) {
                    return Some(read);
                }
                // What is inside an object that is not wanted is not looked at: it would be a part taken for the whole.
                end = parser.position().max(end);
                is_object = false;
                break;
            }
        }
        // What stands inside an object that cannot be read is not taken for the whole.
        if is_object || allowed == 0 {
            return None;
        }
        from = end;
    }
    None
}

/// What a text that begins with JSON is.
fn at_beginning(text: &str, wanted: &mut dyn FnMut(&Value) -> bool) -> Option<Lenient> {
    let trimmed = text.trim();
    if let Ok(value) = json::loads(trimmed)
        && wanted(&value)
    {
        return Some(Lenient {
            value,
            ending: Ending::Whole,
        });
    }
    let is_list = trimmed.starts_with('[');
    let braced = match trimmed.chars().next()? {
        '[' => trimmed.to_owned(),
        // An object without its first brace.
        '"' | '\'' if is_member(trimmed) => format!("{{{trimmed}"),
        '"' => return whole_string(trimmed).filter(|read| wanted(&read.value)),
        _ => return None,
    };
    let read = [Quotes::Escaped, Quotes::Bare]
        .into_iter()
        .find_map(|quotes| {
            let mut parser = Parser::new(&braced, 0, quotes, last_quotes(&braced));
            let read = parser.read()?;
            let is_whole = read.ending == Ending::Whole && parser.rest().trim().is_empty();
            match quotes {
                Quotes::Escaped => is_whole.then_some(read),
                // A list may break off; what begins with a quote is an object only with its end, or its end missing too.
                Quotes::Bare => (is_whole || read.ending > Ending::Whole).then_some(read),
            }
        })?;
    let is_kind = read.value.is_array() == is_list;
    (is_kind && wanted(&read.value)).then_some(read)
}

/// A string that is all of a text, with raw line breaks in it.
fn whole_string(text: &str) -> Option<Lenient> {
    let mut parser = Parser::new(text, 0, Quotes::Escaped, [None; 2]);
    let read = parser.read()?;
    (read.ending == Ending::Whole && parser.rest().is_empty()).then_some(read)
}

/// Whether a text begins with a quoted name and a colon.
fn is_member(text: &str) -> bool {
    let Some(quote) = text.chars().next() else {
        return false;
    };
    let rest = text[1..].split_once(quote);
    rest.is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
}

/// What stands between a fence at the beginning of a text and the last one at its end, which may be missing.
fn unfenced(text: &str) -> &str {
    const FENCE: &str = "```";
    let Some(inner) = text.trim().strip_prefix(FENCE) else {
        return text;
    };
    // The language's name stands behind the fence.
    let inner = inner.trim_start_matches(|character: char| character.is_ascii_alphanumeric());
    inner.trim_end().strip_suffix(FENCE).unwrap_or(inner)
}

#[cfg(test)]
mod tests;
