//! JSON as Python's `json` module reads it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::python::number::{INFINITY_LITERAL, NAN_LITERAL, NEGATIVE_INFINITY_LITERAL};

/// `json.loads(text)`.
pub fn loads(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(&strict(text))
}

/// The value of one key of the object that `text` is; the other values are skipped, not built.
pub fn load_key(text: &str, key: &str) -> serde_json::Result<Option<Value>> {
    let text = strict(text);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let value = deserializer.deserialize_map(KeyVisitor { key })?;
    deserializer.end()?;
    Ok(value)
}

/// Calls `each` with every element of the array that `text` is, one at a time, until it returns false.
pub fn load_elements(text: &str, mut each: impl FnMut(Value) -> bool) -> serde_json::Result<()> {
    let text = strict(text);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let mut stopped = false;
    let result = deserializer.deserialize_seq(ElementsVisitor {
        each: &mut each,
        stopped: &mut stopped,
    });
    if stopped {
        // What follows the element where the caller stopped was not asked for.
        return Ok(());
    }
    result?;
    deserializer.end()
}

/// Rewrites what Python accepts and serde_json does not; see the module's documentation.
fn strict(text: &str) -> Cow<'_, str> {
    let suspicious = ["NaN", "Infinity", "\\ud", "\\uD"];
    if !suspicious.iter().any(|part| text.contains(part)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    while let Some(index) = rest.find(|character| match character {
        '"' => true,
        '\\' => in_string,
        'N' | 'I' | '-' => !in_string,
        _ => false,
    }) {
        out.push_str(&rest[..index]);
        rest = &rest[index..];
        let length = match rest.as_bytes()[0] {
            b'"' => {
                in_string = !in_string;
                out.push('"');
                1
            }
            b'\\' => copy_escape(rest, &mut out),
            _ => copy_constant(rest, &mut out),
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Copies the escape that `rest` begins with, a lone surrogate as U+FFFD; returns its length in `rest`.
fn copy_escape(rest: &str, out: &mut String) -> usize {
    let length = match surrogate(rest) {
        Some(0xd800..=0xdbff) if matches!(rest.get(6..).and_then(surrogate), Some(0xdc00..)) => 12,
        Some(_) => {
            out.push_str("\\ufffd");
            return 6;
        }
        None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
    };
    out.push_str(&rest[..length]);
    length
}

/// The surrogate that `rest` begins with, if it begins with the escape of one.
fn surrogate(rest: &str) -> Option<u32> {
    let digits = rest.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&code).then_some(code)
}

/// Copies the constant that `rest` begins with as a number, or its first byte; returns the length in `rest`.
fn copy_constant(rest: &str, out: &mut String) -> usize {
    for (name, literal) in [
        ("NaN", NAN_LITERAL),
        ("Infinity", INFINITY_LITERAL),
        ("-Infinity", NEGATIVE_INFINITY_LITERAL),
    ] {
        if rest.starts_with(name) {
            // In spaces, so that it never joins digits before or after it to another number.
            out.push(' ');
            out.push_str(literal);
            out.push(' ');
            return name.len();
        }
    }
    out.push_str(&rest[..1]);
    1
}

struct KeyVisitor<'k> {
    key: &'k str,
}

impl<'de> Visitor<'de> for KeyVisitor<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.key {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct ElementsVisitor<'f, F> {
    each: &'f mut F,
    stopped: &'f mut bool,
}

impl<'de, F: FnMut(Value) -> bool> Visitor<'de> for ElementsVisitor<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            if !(self.each)(element) {
                *self.stopped = true;
                break;
            }
        }
        Ok(())
    }
}
