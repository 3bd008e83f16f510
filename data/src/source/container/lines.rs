//! JSON lines: a record a line.

use std::io::BufRead;

use super::{TakeRecord, keep, value};
use crate::record_error::{Place, RecordError};

/// Hands the record of every line that is not blank to `each`.
pub(super) fn each(mut reader: impl BufRead, each: &mut TakeRecord<'_>) -> Result<(), RecordError> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let Some(is_too_large) = read_line(&mut reader, &mut line)? else {
            return Ok(());
        };
        let record = line.trim_ascii();
        if record.is_empty() && !is_too_large {
            continue;
        }
        if each(Place::Line(number), value(record, is_too_large)).is_break() {
            return Ok(());
        }
    }
}

/// The next line, and whether there was no room for it; none at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Option<bool>, RecordError> {
    let mut is_too_large = false;
    let mut is_any = false;
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(is_any.then_some(is_too_large));
        }
        is_any = true;
        let end = memchr::memchr(b'\n', part);
        is_too_large |= !keep(line, &part[..end.unwrap_or(part.len())]);
        let read = end.map_or(part.len(), |end| end + 1);
        reader.consume(read);
        if end.is_some() {
            return Ok(Some(is_too_large));
        }
    }
}
