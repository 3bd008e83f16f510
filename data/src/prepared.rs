//! A prepared data set on disk: one safetensors file that holds each trajectory's prefix tree once, written whole or
//! not at all, mapped into memory and read with suspicion.
//!
//! Arrays (little endian), t tree tokens and n examples: `tokens` u32 \[t\], the tokens that each example adds to the
//! tree of its trajectory's earlier ones; `examples` u32 \[n, 9\], a [`Record`] each: where its own tokens lie and which
//! earlier example it shares how many first tokens with. So a token of the tree costs four bytes, an example 36. The
//! header's metadata hold `format` and `fingerprint`.

mod example_set;
mod record;
mod write;

use crate::encode::TokenExample;
use crate::split::Split;
use glpft_checkpoints::FileError;
use memmap2::Mmap;
use record::{COLUMNS, Record};
use safetensors::tensor::{Dtype, Metadata, SafeTensors};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use example_set::{ExampleSet, Selection};
pub use write::{DatasetWriter, temporary_file, temporary_folder};

/// What `format` says; another number for another layout.
const FORMAT: &str = "glpft-prepared-3";

/// A data set as tokens, each example with its split. It stays in its file: an example is read when it is asked for.
#[derive(Clone, Debug)]
pub struct PreparedDataset {
    path: PathBuf,
    bytes: Arc<Mmap>,
    layout: Layout,
    fingerprint: String,
    vocab_size: usize,
}

/// Why a prepared data set could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PreparedError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// It could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is damaged, or no prepared data set.
    #[error("{} is not a usable prepared data set: {reason}; remove it and prepare again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl PreparedDataset {
    /// Maps a file and checks that it hangs together, in a time that grows with its examples and not with their
    /// tokens: those are held against the size of the vocabulary as they are read.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn open(path: &Path, vocab_size: usize) -> Result<Self, PreparedError> {
        let file = File::open(path).map_err(|source| PreparedError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::map(path, &file, vocab_size)
    }

    /// [`open`](Self::open) of a file that is open already; `path` names it in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn map(path: &Path, file: &File, vocab_size: usize) -> Result<Self, PreparedError> {
        // SAFETY: what is mapped changes only where another program writes into the file in place. This one never
        // does, it replaces the file whole, and every number that is read is checked before it is used.
        let bytes = unsafe { Mmap::map(file) }.map_err(|source| PreparedError::Read {
            path: path.to_owned(),
            source,
        })?;
        let (layout, fingerprint) =
            Layout::of(&bytes).map_err(|reason| PreparedError::Damaged {
                path: path.to_owned(),
                reason,
            })?;
        Ok(Self {
            path: path.to_owned(),
            bytes: Arc::new(bytes),
            layout,
            fingerprint,
            vocab_size,
        })
    }

    /// What the examples were made from ([`fingerprint`](crate::fingerprint())): where it is the same, preparing
    /// again would give the same.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The nodes of the trajectories' prefix trees.
    pub fn tree_tokens(&self) -> usize {
        self.layout.tokens.len() / 4
    }

    /// How many tokens an example has.
    ///
    /// # Panics
    /// Where there is no such example.
    pub fn length(&self, index: usize) -> usize {
        self.layout.length(&self.bytes, index)
    }

    /// Where an example belongs.
    ///
    /// # Panics
    /// Where there is no such example.
    pub fn split(&self, index: usize) -> Split {
        // Every mark was checked on opening.
        Split::from_u8(self.record(index).split).unwrap_or(Split::Validation)
    }

    /// The examples that a global (else local) stage trains on; see [`Split::trains`].
    pub fn training(&self, global: bool, reuse: bool) -> impl Iterator<Item = usize> {
        self.of(move |split| split.trains(global, reuse))
    }

    /// The examples held out.
    pub fn validation(&self) -> impl Iterator<Item = usize> {
        self.of(|split| split == Split::Validation)
    }

    fn of(&self, wanted: impl Fn(Split) -> bool) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(move |&index| wanted(self.split(index)))
    }

    fn record(&self, index: usize) -> Record {
        self.layout.record(&self.bytes, index)
    }

    /// An example's tokens: its own, and before them those of the example that it shares them with.
    fn tokens(&self, index: usize) -> Result<Vec<u32>, String> {
        let mut tokens = vec![0; self.length(index)];
        let (mut at, mut end) = (index, tokens.len());
        while end > 0 {
            let record = self.record(at);
            let begin = end.min(record.shared as usize);
            let own = self.layout.own(&self.bytes, at);
            let read = own.as_chunks().0.iter().map(|&le| u32::from_le_bytes(le));
            for (token, read) in tokens[begin..end].iter_mut().zip(read) {
                *token = read;
            }
            (at, end) = (record.shares_with as usize, begin);
        }
        match tokens
            .iter()
            .find(|&&token| token as usize >= self.vocab_size)
        {
            None => Ok(tokens),
            Some(token) => Err(format!(
                "token id {token} of example {index} is outside the vocabulary of {}",
                self.vocab_size
            )),
        }
    }

    /// The fingerprint in a file's header, without reading the rest; `None` where the file is absent, damaged or of
    /// another format: whatever the reason, it cannot be used again.
    pub fn read_fingerprint(path: &Path) -> Option<String> {
        use std::io::Read;
        let mut file = File::open(path).ok()?;
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        // This header has two arrays; one of a megabyte is not this one.
        let length = u64::from_le_bytes(length);
        if length > 1 << 20 {
            return None;
        }
        let mut header = Vec::new();
        file.take(length).read_to_end(&mut header).ok()?;
        let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
        let metadata = header.get("__metadata__")?;
        if metadata.get("format")?.as_str()? != FORMAT {
            return None;
        }
        Some(metadata.get("fingerprint")?.as_str()?.to_owned())
    }
}

impl ExampleSet for PreparedDataset {
    fn len(&self) -> usize {
        self.layout.examples.len() / Record::BYTES
    }

    fn trajectory(&self, index: usize) -> u32 {
        self.record(index).trajectory
    }

    fn example(&self, index: usize) -> Result<TokenExample, PreparedError> {
        let record = self.record(index);
        let tokens = self
            .tokens(index)
            .map_err(|reason| PreparedError::Damaged {
                path: self.path.clone(),
                reason,
            })?;
        Ok(TokenExample {
            tokens,
            label_start: record.label_start as usize,
            role_start: record.role_start as usize,
            trajectory: record.trajectory,
            turn: record.turn,
        })
    }
}

/// Where a file's arrays lie in its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    tokens: Range<usize>,
    examples: Range<usize>,
}

impl Layout {
    /// The layout and the fingerprint of a file in which every range is in bounds.
    fn of(bytes: &[u8]) -> Result<(Self, String), String> {
        let (header_length, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let metadata = header.metadata().clone().unwrap_or_default();
        match metadata.get("format") {
            Some(format) if format == FORMAT => {}
            format => return Err(format!("its format is {format:?}, not {FORMAT:?}")),
        }
        let fingerprint = metadata
            .get("fingerprint")
            .cloned()
            .ok_or("it has no fingerprint")?;
        let data_start = 8 + header_length;
        let layout = Self {
            tokens: array(&header, "tokens", &[None], data_start, bytes.len())?,
            examples: array(
                &header,
                "examples",
                &[None, Some(COLUMNS)],
                data_start,
                bytes.len(),
            )?,
        };
        layout.check(bytes)?;
        Ok((layout, fingerprint))
    }

    fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let tokens = self.tokens.len() as u64 / 4;
        let count = self.examples.len() / Record::BYTES;
        let mut end = tokens;
        // From the last to the first, so that the end of each one's own tokens is known.
        for index in (0..count).rev() {
            let record = self.record(bytes, index);
            if record.start > end {
                return Err(format!(
                    "the tokens of example {index} run from {} to {end} of {tokens}",
                    record.start
                ));
            }
            end = record.start;
            if Split::from_u8(record.split).is_none() {
                return Err(format!("example {index} has split {}", record.split));
            }
            if record.shared > 0 && record.shares_with as usize >= index {
                return Err(format!(
                    "example {index} shares tokens with example {}, which is not an earlier one",
                    record.shares_with
                ));
            }
        }
        if end != 0 {
            return Err(format!(
                "the first {end} of {tokens} tokens belong to no example"
            ));
        }
        for index in 0..count {
            let record = self.record(bytes, index);
            let length = self.length(bytes, index);
            if record.label_start as usize > length {
                return Err(format!(
                    "the labels of example {index} start at {} of {length} tokens",
                    record.label_start
                ));
            }
            if record.role_start > record.label_start {
                return Err(format!(
                    "the role's text of example {index} starts at {}, behind its labels at {}",
                    record.role_start, record.label_start
                ));
            }
            if record.shared > 0 {
                let shares = self.length(bytes, record.shares_with as usize);
                if record.shared as usize > shares {
                    return Err(format!(
                        "example {index} shares {} of the {shares} tokens of example {}",
                        record.shared, record.shares_with
                    ));
                }
            }
        }
        Ok(())
    }

    fn record(&self, bytes: &[u8], index: usize) -> Record {
        Record::read(&bytes[self.examples.clone()][index * Record::BYTES..])
    }

    /// The bytes of the tokens that an example shares with no earlier one.
    fn own<'b>(&self, bytes: &'b [u8], index: usize) -> &'b [u8] {
        let tokens = &bytes[self.tokens.clone()];
        let start = self.record(bytes, index).start as usize * 4;
        let end = match (index + 1) * Record::BYTES < self.examples.len() {
            true => self.record(bytes, index + 1).start as usize * 4,
            false => tokens.len(),
        };
        &tokens[start..end]
    }

    fn length(&self, bytes: &[u8], index: usize) -> usize {
        self.record(bytes, index).shared as usize + self.own(bytes, index).len() / 4
    }
}

/// The bytes of an array of u32, whose shape must be as given where it is given. The header was held against the
/// file's length by who parsed it.
fn array(
    header: &Metadata,
    name: &str,
    shape: &[Option<usize>],
    data_start: usize,
    file_length: usize,
) -> Result<Range<usize>, String> {
    let info = header
        .info(name)
        .ok_or_else(|| format!("it has no array {name}"))?;
    let fits = |(&found, wanted): (&usize, &Option<usize>)| wanted.is_none_or(|one| one == found);
    if info.dtype != Dtype::U32
        || info.shape.len() != shape.len()
        || !info.shape.iter().zip(shape).all(fits)
    {
        return Err(format!("{name} is {:?} {:?}", info.dtype, info.shape));
    }
    let range = data_start + info.data_offsets.0..data_start + info.data_offsets.1;
    if range.start > range.end || range.end > file_length {
        return Err(format!("{name} lies outside the file"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests;
