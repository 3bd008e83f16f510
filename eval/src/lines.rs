//! The whole lines of a file that is appended to.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use glpft_checkpoints::FileError;

/// No record is longer; a file with a longer line holds no records.
const LONGEST: u64 = 256 << 20;

/// The lines of a file that are whole.
pub(crate) struct Lines<'f> {
    path: &'f Path,
    reader: BufReader<&'f mut File>,
    line: Vec<u8>,
    /// The last line's number, from 1.
    number: usize,
    /// Where it ends.
    end: u64,
}

impl<'f> Lines<'f> {
    /// From where the file stands.
    pub fn new(path: &'f Path, file: &'f mut File) -> Self {
        Self {
            path,
            reader: BufReader::new(file),
            line: Vec::new(),
            number: 0,
            end: 0,
        }
    }

    /// The next line; none at the end, or where the rest was being written when the program died.
    pub fn next_whole(&mut self) -> Result<Option<&[u8]>, FileError> {
        self.line.clear();
        let mut bounded = self.reader.by_ref().take(LONGEST);
        let read = bounded.read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| FileError::new("read", self.path, source))?;
        if self.line.last() != Some(&b'\n') {
            if read as u64 == LONGEST {
                let reason = format!("line {} is longer than 256 MiB", self.number + 1);
                let source = io::Error::new(io::ErrorKind::InvalidData, reason);
                return Err(FileError::new("read", self.path, source));
            }
            return Ok(None);
        }
        self.number += 1;
        self.end += read as u64;
        Ok(Some(&self.line))
    }

    /// The last line's number, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where the last line ends.
    pub fn end(&self) -> u64 {
        self.end
    }
}
