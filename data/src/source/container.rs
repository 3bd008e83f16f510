//! Containers: files of records, whatever their layout and compression, read a record at a time.
//!
//! | layout | told by |
//! |---|---|
//! | a JSON array | `[`, unless the first line is a whole array and another follows |
//! | JSON lines | `{`, where a line is a whole value |
//! | JSON values, one after the other | `{`, where no line is one (a single object, too) |
//! | Parquet | `PAR1` |
//!
//! The first three may be compressed with gzip or zstd. A byte order mark is skipped. No more than one record is held.

mod compression;
mod elements;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use glpft_checkpoints::foreign_content;
use serde_json::Value;

use crate::python::json;
use crate::record_error::{Place, RecordError};
use elements::Elements;

/// Real records have some kilobytes, a few of them megabytes.
const LARGEST_RECORD: usize = 64 << 20;

/// How much of a file is looked at to tell its layout.
const LOOK: usize = 1 << 20;

/// The mark that some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a file's records lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A JSON array of records.
    Array,
    /// A record a line.
    Lines,
    /// Records one after the other, each over as many lines as it takes; or a single one.
    Values,
    /// A Parquet table of records.
    Parquet,
}

impl Layout {
    /// What such a file is, for people.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Array => "a JSON array",
            Layout::Lines => "JSON lines",
            Layout::Values => "JSON objects",
            Layout::Parquet => "a Parquet table",
        }
    }
}

/// Takes a record, or why there is none in its place, until it breaks off.
pub(super) type TakeRecord<'t> =
    dyn FnMut(Place, Result<Value, RecordError>) -> ControlFlow<()> + 't;

/// A file of records, looked at but not read.
#[derive(Clone, Debug)]
pub(super) struct Container {
    path: PathBuf,
    layout: Layout,
}

impl Container {
    /// Looks at a file's beginning. `None`: there is nothing in it.
    ///
    /// # Errors
    /// It cannot be read, is no regular file, or is nothing that holds records.
    pub fn open(path: &Path) -> Result<Option<Self>, RecordError> {
        let container = |layout| Self {
            path: path.to_owned(),
            layout,
        };
        if compression::magic(path)?.starts_with(b"PAR1") {
            return Ok(Some(container(Layout::Parquet)));
        }
        let mut start = Vec::new();
        let reader = compression::open(path)?;
        reader.take(LOOK as u64).read_to_end(&mut start)?;
        let is_whole = start.len() < LOOK;
        let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
        // What a compressed file holds is looked at, never the compression, which is read.
        let recognised = |error| match error {
            RecordError::NotRecords => {
                foreign_content(&start).map_or(error, RecordError::Recognised)
            }
            error => error,
        };
        let layout = layout(text, is_whole).map_err(recognised)?;
        Ok(layout.map(container))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Hands every record to `each`, in order, until it breaks off.
    ///
    /// # Errors
    /// The file cannot be read to its end, or what stands between its records is not what should; what was read before has
    /// been handed over.
    pub fn each(&self, each: &mut TakeRecord<'_>) -> Result<(), RecordError> {
        let mut reader = match self.layout {
            Layout::Parquet => return self.each_row(each),
            _ => compression::open(&self.path)?,
        };
        skip_byte_order_mark(&mut reader)?;
        match self.layout {
            Layout::Lines => lines::each(reader, each),
            Layout::Values => Elements::of_values(reader).each(each),
            _ => Elements::of_array(reader).each(each),
        }
    }

    #[cfg(feature = "parquet")]
    fn each_row(&self, each: &mut TakeRecord<'_>) -> Result<(), RecordError> {
        parquet::each(&self.path, each)
    }

    #[cfg(not(feature = "parquet"))]
    fn each_row(&self, _: &mut TakeRecord<'_>) -> Result<(), RecordError> {
        Err(RecordError::NoParquet)
    }
}

/// A record's bytes as a JSON value; bytes that are too many were not kept.
fn value(bytes: &[u8], is_too_large: bool) -> Result<Value, RecordError> {
    if is_too_large {
        return Err(RecordError::TooLarge {
            mebibytes: LARGEST_RECORD >> 20,
        });
    }
    Ok(json::loads(std::str::from_utf8(bytes)?)?)
}

/// Appends bytes to a record's, or not where they would be too many; says whether there was room.
fn keep(record: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let has_room = record.len() + bytes.len() <= LARGEST_RECORD;
    if has_room {
        record.extend_from_slice(bytes);
    }
    has_room
}

fn skip_byte_order_mark(reader: &mut impl BufRead) -> io::Result<()> {
    // A buffer that is not empty holds the first bytes of a file whole, whatever is in them.
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    Ok(())
}

/// The layout of a file by its first bytes, which may be all of it. `None`: it is empty.
fn layout(start: &[u8], is_whole: bool) -> Result<Option<Layout>, RecordError> {
    let start = start.trim_ascii_start();
    let Some(first) = start.first() else {
        return Ok(None);
    };
    let mut lines = start.split(|&byte| byte == b'\n').peekable();
    let is_value = |line: &[u8]| value(line.trim_ascii(), false).is_ok();
    match first {
        b'[' => {
            let is_array = lines.next().is_some_and(is_value);
            let follows = lines.map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
            let is_lines = is_array && follows.is_some_and(|line| line.starts_with(b"["));
            Ok(Some(if is_lines {
                Layout::Lines
            } else {
                Layout::Array
            }))
        }
        b'{' => {
            // The first line may be the one that is broken; a last one may be cut off.
            while let Some(line) = lines.next() {
                let is_cut = lines.peek().is_none() && !is_whole;
                if line.starts_with(b"{") && (is_cut || is_value(line)) {
                    return Ok(Some(Layout::Lines));
                }
            }
            Ok(Some(Layout::Values))
        }
        _ => Err(RecordError::NotRecords),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests;
