//! JSON as Python's `json` module writes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::python::number;

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
pub fn escape(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + text.len() / 8);
    let mut rest = text;
    loop {
        let (plain, from) = rest.split_at(plain_length(rest.as_bytes()));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = from.chars();
        let Some(character) = characters.next() else {
            return;
        };
        let short = match character {
            '"' => b'"',
            '\\' => b'\\',
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(b"\\u");
                    let digit = |shift: u16| HEXADECIMAL[usize::from(*unit >> shift & 15)];
                    out.extend([12, 8, 4, 0].map(digit));
                }
                rest = characters.as_str();
                continue;
            }
        };
        out.extend([b'\\', short]);
        rest = characters.as_str();
    }
}

const HEXADECIMAL: [u8; 16] = *b"0123456789abcdef";

/// How many bytes stand for themselves before the first that does not: printable ASCII but quotes and backslashes.
fn plain_length(bytes: &[u8]) -> usize {
    /// So many are looked at at once.
    const BLOCK: usize = 32;
    let special = |byte: u8| !(b' '..=b'~').contains(&byte) || byte == b'"' || byte == b'\\';
    let blocks = bytes.chunks_exact(BLOCK);
    let plain =
        blocks.take_while(|block| !block.iter().fold(false, |any, byte| any | special(*byte)));
    let length = plain.count() * BLOCK;
    let rest = bytes[length..].iter();
    length + rest.take_while(|byte| !special(**byte)).count()
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
