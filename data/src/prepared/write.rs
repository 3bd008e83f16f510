//! Writing a prepared data set as its examples are made.

use super::FORMAT;
use super::record::{COLUMNS, Record};
use crate::batch::common_prefix;
use crate::encode::TokenExample;
use crate::split::Split;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Room for the header, whose numbers are known last. A fingerprint takes 64 bytes of it.
const HEADER: usize = 504;

/// A prepared data set under way, in a file or anything like one. It holds one trajectory at a time: tokens go
/// straight to the file, records to a temporary one until all tokens are there.
pub struct DatasetWriter<W> {
    file: W,
    fingerprint: String,
    records: BufWriter<File>,
    examples: u32,
    tokens: u64,
}

impl<W: Write + Seek> DatasetWriter<W> {
    /// Begins a data set at the start of `file`, which is empty.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn new(mut file: W, fingerprint: &str) -> io::Result<Self> {
        file.write_all(&[b' '; 8 + HEADER])?;
        Ok(Self {
            file,
            fingerprint: fingerprint.to_owned(),
            records: temporary_file()?,
            examples: 0,
            tokens: 0,
        })
    }

    /// Adds all examples of a trajectory, and says how many tokens its prefix tree has.
    ///
    /// # Errors
    /// Where it cannot be written, or an example's labels start beyond its tokens.
    pub fn push(&mut self, trajectory: &[TokenExample], split: Split) -> io::Result<usize> {
        let first = self.examples;
        let before = self.tokens;
        for (index, example) in trajectory.iter().enumerate() {
            // The longest prefix that any earlier example has is what the tree has of this one.
            let mut shared = 0;
            let mut shares_with = 0;
            for (earlier, other) in trajectory[..index].iter().enumerate() {
                let common = common_prefix(&other.tokens, &example.tokens);
                if common > shared {
                    (shared, shares_with) = (common, earlier);
                }
            }
            let label_start = u32::try_from(example.label_start)
                .ok()
                .filter(|_| example.label_start <= example.tokens.len())
                .ok_or_else(|| invalid("an example's labels start beyond its tokens"))?;
            let too_many = || invalid("more than 2³² examples, or tokens of one example");
            let record = Record {
                start: self.tokens,
                shares_with: first + shares_with as u32,
                shared: u32::try_from(shared).map_err(|_| too_many())?,
                label_start,
                trajectory: example.trajectory,
                turn: example.turn,
                // No further than the labels, which fit.
                role_start: example.role_start.min(example.label_start) as u32,
                split: split as u8,
            };
            self.records.write_all(&record.bytes())?;
            for token in &example.tokens[shared..] {
                self.file.write_all(&token.to_le_bytes())?;
            }
            self.tokens += (example.tokens.len() - shared) as u64;
            self.examples = self.examples.checked_add(1).ok_or_else(too_many)?;
        }
        Ok((self.tokens - before) as usize)
    }

    /// Ends the data set and gives the file back, all of it written.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let mut records = self
            .records
            .into_inner()
            .map_err(|error| error.into_error())?;
        records.seek(SeekFrom::Start(0))?;
        io::copy(&mut records, &mut self.file)?;
        let tokens = self.tokens * 4;
        let end = tokens + u64::from(self.examples) * Record::BYTES as u64;
        let header = json!({
            "__metadata__": {"format": FORMAT, "fingerprint": self.fingerprint},
            "tokens": {"dtype": "U32", "shape": [self.tokens], "data_offsets": [0, tokens]},
            "examples": {"dtype": "U32", "shape": [self.examples, COLUMNS], "data_offsets": [tokens, end]},
        });
        let mut header = serde_json::to_vec(&header)?;
        if header.len() > HEADER {
            return Err(invalid("the fingerprint is too long for the header"));
        }
        header.resize(HEADER, b' ');
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&(HEADER as u64).to_le_bytes())?;
        self.file.write_all(&header)?;
        self.file.flush()?;
        Ok(self.file)
    }
}

/// An empty file without a name, gone when it is closed.
///
/// # Errors
/// Where the system's folder for such files cannot be written.
pub fn temporary_file() -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(tempfile::tempfile_in(temporary_folder())?))
}

/// The system's folder for temporary files: TMPDIR, where that is set to something.
pub fn temporary_folder() -> PathBuf {
    let folder = std::env::temp_dir();
    match folder.as_os_str().is_empty() {
        true => PathBuf::from("/tmp"),
        false => folder,
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
