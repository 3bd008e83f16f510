//! Reading a predictions file: a JSON list of entries or JSON lines, told apart by content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use glpft_data::python::json;
use serde_json::Value;

use crate::entry::Entry;
use crate::error::PredictionsError;

/// The largest list. It is in memory as text, its entries one at a time.
pub const MAX_LIST_BYTES: usize = 1 << 30;
/// The longest line of JSON lines. One is in memory at a time.
pub const MAX_LINE_BYTES: usize = 1 << 26;

/// Hands every entry to `each`, in the file's order, with its place: `FILE[index]`, or `FILE:line`. Returns how many
/// there were.
///
/// A file that begins with `[` is the list that the published pipeline writes, one that begins with `{` has an entry on
/// each line; empty lines mean nothing. JSON is Python's ([`glpft_data::python::json`]).
///
/// # Errors
/// The first one in the file's order, of reading or of `each`. Entries that cannot be read are errors and never left out.
pub fn read_predictions(
    path: &Path,
    each: &mut dyn FnMut(&str, Entry) -> Result<(), PredictionsError>,
) -> Result<u64, PredictionsError> {
    let failed = |source: io::Error| PredictionsError::Read {
        path: path.to_owned(),
        source,
    };
    let form = |problem| PredictionsError::Form {
        path: path.to_owned(),
        problem,
    };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut blank_lines = 0;
    let first = loop {
        match reader.fill_buf().map_err(failed)?.first() {
            Some(b'\n') => blank_lines += 1,
            Some(b' ' | b'\t' | b'\r') => {}
            Some(&byte) => break byte,
            None => return Err(form("is empty")),
        }
        reader.consume(1);
    };
    let entries = match first {
        b'[' => read_list(path, reader, each)?,
        b'{' => read_lines(path, reader, blank_lines, each)?,
        _ => return Err(form("begins with neither `[` nor `{`")),
    };
    match entries {
        0 => Err(form("holds no entry")),
        entries => Ok(entries),
    }
}

type Each<'e> = dyn FnMut(&str, Entry) -> Result<(), PredictionsError> + 'e;

fn read_list(path: &Path, reader: impl Read, each: &mut Each<'_>) -> Result<u64, PredictionsError> {
    let place = format!("predictions {}", path.display());
    let mut bytes = Vec::new();
    // One byte more tells that there are more.
    let mut reader = reader.take(MAX_LIST_BYTES as u64 + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|source| PredictionsError::Read {
            path: path.to_owned(),
            source,
        })?;
    if bytes.len() > MAX_LIST_BYTES {
        return Err(PredictionsError::TooLarge {
            place,
            limit: MAX_LIST_BYTES,
            hint: "; as JSON lines it may be of any size",
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|source| PredictionsError::Encoding {
        place: place.clone(),
        source,
    })?;
    let mut entries = 0;
    let mut ended = Ok(());
    let parsed = json::load_elements(text, |value| {
        ended = hand_over(&format!("{}[{entries}]", path.display()), value, each);
        entries += u64::from(ended.is_ok());
        ended.is_ok()
    });
    ended?;
    parsed.map_err(|source| PredictionsError::Json {
        place,
        entries,
        source,
    })?;
    Ok(entries)
}

fn read_lines(
    path: &Path,
    mut reader: impl BufRead,
    blank_lines: u64,
    each: &mut Each<'_>,
) -> Result<u64, PredictionsError> {
    let mut entries = 0;
    let mut number = blank_lines;
    let mut line = Vec::new();
    loop {
        line.clear();
        number += 1;
        let read = (&mut reader)
            .take(MAX_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|source| PredictionsError::Read {
                path: path.to_owned(),
                source,
            })?;
        if read == 0 {
            return Ok(entries);
        }
        let place = format!("{}:{number}", path.display());
        if read > MAX_LINE_BYTES {
            return Err(PredictionsError::TooLarge {
                place,
                limit: MAX_LINE_BYTES,
                hint: "",
            });
        }
        let text = match std::str::from_utf8(&line) {
            Ok(text) => text,
            Err(source) => return Err(PredictionsError::Encoding { place, source }),
        };
        if text.trim().is_empty() {
            continue;
        }
        match json::loads(text) {
            Ok(value) => hand_over(&place, value, each)?,
            Err(source) => {
                return Err(PredictionsError::Json {
                    place,
                    entries,
                    source,
                });
            }
        }
        entries += 1;
    }
}

fn hand_over(place: &str, value: Value, each: &mut Each<'_>) -> Result<(), PredictionsError> {
    let entry = Entry::from_value(value).map_err(|reason| PredictionsError::Entry {
        place: place.to_owned(),
        reason,
    })?;
    each(place, entry)
}

#[cfg(test)]
mod tests;
