//! JSON as Python's `json` module reads and writes it, on top of serde_json.
//!
//! Three things that Python accepts have no place in strict JSON or in a Rust string:
//! - `NaN`, `Infinity` and `-Infinity` are read, and written again under the same names;
//! - a `\ud83d` without its other half (a lone surrogate) is read as U+FFFD, since no UTF-8 text holds it and
//!   no tokenizer accepts it;
//! - of a key that occurs twice the last value counts, at the first one's place.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::number::{self, INFINITY_LITERAL, NAN_LITERAL, NEGATIVE_INFINITY_LITERAL};

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

/// `json.dumps(value)`: `", "` and `": "` between, everything outside printable ASCII escaped.
pub fn dumps<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes,
        PythonFormatter::compact(),
    ))?;
    String::from_utf8(bytes).map_err(|error| serde_json::Error::io(io::Error::other(error)))
}

/// The first `limit` bytes of [`dumps`], however long the rest is; they are ASCII.
pub fn dumps_first<T: Serialize>(value: &T, limit: usize) -> serde_json::Result<String> {
    let mut first = First {
        bytes: Vec::new(),
        limit,
    };
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut first, PythonFormatter::compact());
    let written = value.serialize(&mut serializer);
    if first.bytes.len() < limit {
        written?;
    }
    String::from_utf8(first.bytes).map_err(|error| serde_json::Error::io(io::Error::other(error)))
}

/// Takes so many bytes and refuses those after them.
struct First {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for First {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.limit - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an element adds to `json.dump(elements, writer, indent=2)`, from the line break before it to its last character:
/// the array is `[`, its elements with `,` between them, a line break if there are any, and `]`.
pub fn dump_element<T: Serialize>(element: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = b"\n  ".to_vec();
    dump_nested(element, 1, &mut bytes)?;
    Ok(bytes)
}

/// Appends a value as `json.dump(…, indent=2)` writes it inside `depth` arrays or objects.
pub fn dump_nested<T: Serialize>(
    value: &T,
    depth: usize,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let mut formatter = PythonFormatter::indented();
    for _ in 0..depth {
        formatter
            .begin_array(&mut io::sink())
            .map_err(serde_json::Error::io)?;
    }
    value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))
}

/// Appends what stands between the quotes of `text` as a JSON string. Escapes are by character: the parts of a text
/// escaped one by one are the text escaped.
pub fn escape(text: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let opening = out.len();
    let formatter = PythonFormatter::compact();
    text.serialize(&mut serde_json::Serializer::with_formatter(
        &mut *out, formatter,
    ))?;
    out.pop();
    out.remove(opening);
    Ok(())
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

/// Prints what Python prints: its separators, its escapes, its numbers.
struct PythonFormatter {
    /// Lays out `indent=2`; without it everything stands on one line.
    pretty: Option<PrettyFormatter<'static>>,
}

impl PythonFormatter {
    fn compact() -> Self {
        Self { pretty: None }
    }

    fn indented() -> Self {
        Self {
            pretty: Some(PrettyFormatter::new()),
        }
    }

    /// What stands before an element or a key on one line.
    fn separate<W: ?Sized + Write>(writer: &mut W, first: bool) -> io::Result<()> {
        if first {
            return Ok(());
        }
        writer.write_all(b", ")
    }
}

impl Formatter for PythonFormatter {
    fn write_number_str<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        value: &str,
    ) -> io::Result<()> {
        writer.write_all(number::canonical(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        // Bytes are looked at faster than characters; the first that is no printable ASCII begins a character.
        let plain = |byte: u8| (b' '..=b'~').contains(&byte);
        while let Some(index) = rest.bytes().position(|byte| !plain(byte)) {
            let (plain, from) = rest.split_at(index);
            writer.write_all(plain.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.begin_array(writer),
            None => CompactFormatter.begin_array(writer),
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.end_array(writer),
            None => CompactFormatter.end_array(writer),
        }
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.begin_array_value(writer, first),
            None => Self::separate(writer, first),
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.end_array_value(writer),
            None => Ok(()),
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.begin_object(writer),
            None => CompactFormatter.begin_object(writer),
        }
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.end_object(writer),
            None => CompactFormatter.end_object(writer),
        }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.begin_object_key(writer, first),
            None => Self::separate(writer, first),
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match &mut self.pretty {
            Some(pretty) => pretty.end_object_value(writer),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
