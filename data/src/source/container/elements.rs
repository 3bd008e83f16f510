//! The elements of a JSON array, or JSON values one after the other: cut apart by their brackets alone, then parsed one by
//! one, so that an element that is no JSON is one bad record.

use std::io::BufRead;

use super::{TakeRecord, keep, value};
use crate::record_error::{Place, RecordError};

/// Reads elements.
pub(super) struct Elements<R> {
    reader: R,
    /// Whether they stand in an array.
    in_array: bool,
    /// How many bytes have been read.
    at: u64,
}

impl<R: BufRead> Elements<R> {
    /// The elements of the array that the text is.
    pub fn of_array(reader: R) -> Self {
        Self {
            reader,
            in_array: true,
            at: 0,
        }
    }

    /// The values that the text holds.
    pub fn of_values(reader: R) -> Self {
        Self {
            reader,
            in_array: false,
            at: 0,
        }
    }

    /// Hands every element to `each`.
    pub fn each(mut self, each: &mut TakeRecord<'_>) -> Result<(), RecordError> {
        if self.in_array && self.next_byte()? != Some(b'[') {
            return Err(self.broken("no `[`"));
        }
        let mut element = Vec::new();
        for index in 0.. {
            match (self.next_byte_is()?, self.in_array) {
                (None, false) => return Ok(()),
                (None, true) => return Err(self.broken("EOF where an element or `]` should stand")),
                (Some(b']'), true) if index == 0 => {
                    self.next_byte()?;
                    return self.ends();
                }
                (Some(_), _) => {}
            }
            element.clear();
            let is_too_large = self.element(&mut element)?;
            if each(Place::Index(index), value(&element, is_too_large)).is_break() {
                return Ok(());
            }
            if self.in_array {
                match self.next_byte()? {
                    Some(b',') => {}
                    Some(b']') => return self.ends(),
                    None => return Err(self.broken("EOF where `,` or `]` should stand")),
                    Some(_) => return Err(self.broken("no `,` or `]` after an element")),
                }
            }
        }
        Ok(())
    }

    /// Nothing may follow the array.
    fn ends(&mut self) -> Result<(), RecordError> {
        match self.next_byte_is()? {
            None => Ok(()),
            Some(_) => Err(self.broken("something after the end of the array")),
        }
    }

    /// Takes the bytes of the element that comes; says whether there was no room for them.
    fn element(&mut self, element: &mut Vec<u8>) -> Result<bool, RecordError> {
        let mut scan = Scan::default();
        let mut is_too_large = false;
        loop {
            let part = self.reader.fill_buf()?;
            if part.is_empty() {
                // A scalar may be the end of the text; what is cut off says so itself.
                if !is_too_large {
                    value(element, false)?;
                }
                return Ok(is_too_large);
            }
            let end = scan.end(part);
            let read = end.unwrap_or(part.len());
            is_too_large |= !keep(element, &part[..read]);
            self.at += read as u64;
            self.reader.consume(read);
            if end.is_some() {
                return match element.is_empty() && !is_too_large {
                    true => Err(self.broken("no element where one should stand")),
                    false => Ok(is_too_large),
                };
            }
        }
    }

    /// The next byte that is no white space, which is then read.
    fn next_byte(&mut self) -> Result<Option<u8>, RecordError> {
        let next = self.next_byte_is()?;
        if next.is_some() {
            self.reader.consume(1);
            self.at += 1;
        }
        Ok(next)
    }

    /// The next byte that is no white space; white space before it is read.
    fn next_byte_is(&mut self) -> Result<Option<u8>, RecordError> {
        loop {
            let part = self.reader.fill_buf()?;
            if part.is_empty() {
                return Ok(None);
            }
            let blank = part.len() - part.trim_ascii_start().len();
            let next = part.get(blank).copied();
            self.reader.consume(blank);
            self.at += blank as u64;
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    fn broken(&self, found: &'static str) -> RecordError {
        RecordError::Broken { found, at: self.at }
    }
}

/// How far an element goes.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    is_scalar: bool,
}

impl Scan {
    /// Where the element ends in the bytes that come; none where it goes on.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    at += 1;
                    continue;
                }
                let found = memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                at += found + 1;
                match bytes[at - 1] {
                    b'\\' => self.is_escaped = true,
                    _ => self.in_string = false,
                }
                if !self.in_string && self.depth == 0 && !self.is_scalar {
                    return Some(at);
                }
                continue;
            }
            match byte {
                b',' | b']' | b'}' if self.depth == 0 => return Some(at),
                _ if self.is_scalar && byte.is_ascii_whitespace() => return Some(at),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b'"' => self.in_string = true,
                _ => self.is_scalar |= self.depth == 0,
            }
            at += 1;
        }
        None
    }
}
