//! A prepared data set on disk: one safetensors file, written whole or not at all and read with suspicion.
//!
//! Arrays (little endian), n examples and t tokens in all: `offsets` u64 [n + 1], where each example's tokens begin;
//! `tokens` u32 [t]; `label_starts`, `trajectories`, `turns` u32 [n]; `splits` u8 [n], as in [`Split`]. The header's
//! metadata hold `format` and `fingerprint`.

use crate::encode::TokenExample;
use crate::split::Split;
use glpft_checkpoints::{FileError, write_atomically};
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What `format` says; another number for another layout.
const FORMAT: &str = "glpft-prepared-1";

/// A data set as tokens, each example with its split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreparedDataset {
    /// The examples.
    pub examples: Vec<TokenExample>,
    /// Each example's split.
    pub splits: Vec<Split>,
    /// What the examples were made from ([`fingerprint`](crate::fingerprint)): where it is the same, preparing
    /// again would give the same.
    pub fingerprint: String,
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
    #[error("{} is not a usable prepared data set: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl PreparedDataset {
    /// The examples that a global (else local) stage trains on; see [`Split::trains`].
    pub fn training(&self, global: bool, reuse: bool) -> impl Iterator<Item = &TokenExample> {
        self.of(move |split| split.trains(global, reuse))
    }

    /// The examples held out.
    pub fn validation(&self) -> impl Iterator<Item = &TokenExample> {
        self.of(|split| split == Split::Validation)
    }

    fn of(&self, wanted: impl Fn(Split) -> bool) -> impl Iterator<Item = &TokenExample> {
        self.examples
            .iter()
            .zip(&self.splits)
            .filter(move |(_, split)| wanted(**split))
            .map(|(example, _)| example)
    }

    /// Writes the file; its folder must exist.
    ///
    /// # Errors
    /// Where it cannot be written, examples and splits differ in number, or an example's labels start beyond its
    /// tokens.
    pub fn write(&self, path: &Path) -> Result<(), PreparedError> {
        let damaged = |reason: String| PreparedError::Damaged {
            path: path.to_owned(),
            reason,
        };
        if self.examples.len() != self.splits.len() {
            return Err(damaged(format!(
                "{} examples and {} splits",
                self.examples.len(),
                self.splits.len()
            )));
        }
        for (index, example) in self.examples.iter().enumerate() {
            if example.label_start > example.tokens.len()
                || u32::try_from(example.label_start).is_err()
            {
                return Err(damaged(label_out_of_range(
                    index,
                    example.label_start,
                    example.tokens.len(),
                )));
            }
        }
        write_atomically(path, |file| self.write_to(file))?;
        Ok(())
    }

    fn write_to(&self, file: &mut impl Write) -> io::Result<()> {
        let count = self.examples.len();
        let tokens: usize = self
            .examples
            .iter()
            .map(|example| example.tokens.len())
            .sum();
        let mut header = serde_json::Map::new();
        header.insert(
            "__metadata__".to_owned(),
            json!({"format": FORMAT, "fingerprint": self.fingerprint}),
        );
        let mut end = 0;
        for (name, dtype, size, length) in [
            ("offsets", "U64", 8, count + 1),
            ("tokens", "U32", 4, tokens),
            ("label_starts", "U32", 4, count),
            ("trajectories", "U32", 4, count),
            ("turns", "U32", 4, count),
            ("splits", "U8", 1, count),
        ] {
            let start = end;
            end += size * length;
            header.insert(
                name.to_owned(),
                json!({"dtype": dtype, "shape": [length], "data_offsets": [start, end]}),
            );
        }
        let mut header = serde_json::to_vec(&header)?;
        // Padded so that the arrays are aligned in the file, as the format asks.
        header.resize(header.len().next_multiple_of(8), b' ');
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        let mut offset = 0u64;
        file.write_all(&offset.to_le_bytes())?;
        for example in &self.examples {
            offset += example.tokens.len() as u64;
            file.write_all(&offset.to_le_bytes())?;
        }
        for token in self.examples.iter().flat_map(|example| &example.tokens) {
            file.write_all(&token.to_le_bytes())?;
        }
        for number in self
            .examples
            .iter()
            .map(|example| example.label_start as u32)
        {
            file.write_all(&number.to_le_bytes())?;
        }
        for number in self.examples.iter().map(|example| example.trajectory) {
            file.write_all(&number.to_le_bytes())?;
        }
        for number in self.examples.iter().map(|example| example.turn) {
            file.write_all(&number.to_le_bytes())?;
        }
        let splits: Vec<u8> = self.splits.iter().map(|&split| split as u8).collect();
        file.write_all(&splits)
    }

    /// Reads a file and checks all of it against itself and against the size of the vocabulary.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn read(path: &Path, vocab_size: usize) -> Result<Self, PreparedError> {
        let bytes = std::fs::read(path).map_err(|source| PreparedError::Read {
            path: path.to_owned(),
            source,
        })?;
        parse(&bytes, vocab_size).map_err(|reason| PreparedError::Damaged {
            path: path.to_owned(),
            reason,
        })
    }

    /// The fingerprint in a file's header, without reading the rest; `None` where the file is absent, damaged or of
    /// another format: whatever the reason, it cannot be used again.
    pub fn read_fingerprint(path: &Path) -> Option<String> {
        use std::io::Read;
        let mut file = std::fs::File::open(path).ok()?;
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        // This header has six arrays; one of a megabyte is not this one.
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

fn parse(bytes: &[u8], vocab_size: usize) -> Result<PreparedDataset, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let metadata = header.metadata().clone().unwrap_or_default();
    match metadata.get("format") {
        Some(format) if format == FORMAT => {}
        format => return Err(format!("its format is {format:?}, not {FORMAT:?}")),
    }
    let fingerprint = metadata
        .get("fingerprint")
        .cloned()
        .ok_or("it has no fingerprint")?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let offsets: Vec<u64> = numbers(&file, "offsets", Dtype::U64, u64::from_le_bytes)?;
    let count = offsets.len().checked_sub(1).ok_or("offsets are empty")?;
    let tokens = numbers(&file, "tokens", Dtype::U32, u32::from_le_bytes)?;
    let label_starts = numbers(&file, "label_starts", Dtype::U32, u32::from_le_bytes)?;
    let trajectories = numbers(&file, "trajectories", Dtype::U32, u32::from_le_bytes)?;
    let turns = numbers(&file, "turns", Dtype::U32, u32::from_le_bytes)?;
    let marks = numbers(&file, "splits", Dtype::U8, |byte: [u8; 1]| byte[0])?;
    let lengths = [
        ("label_starts", label_starts.len()),
        ("trajectories", trajectories.len()),
        ("turns", turns.len()),
        ("splits", marks.len()),
    ];
    for (name, length) in lengths {
        if length != count {
            return Err(format!("{name} has {length} entries for {count} examples"));
        }
    }
    if let Some(token) = tokens.iter().find(|&&token| token as usize >= vocab_size) {
        return Err(format!(
            "token id {token} is outside the vocabulary of {vocab_size}"
        ));
    }
    if offsets[0] != 0 || offsets[count] != tokens.len() as u64 {
        return Err(format!(
            "offsets run from {} to {}, not 0 to {}",
            offsets[0],
            offsets[count],
            tokens.len()
        ));
    }
    let mut examples = Vec::with_capacity(count);
    let mut splits = Vec::with_capacity(count);
    for index in 0..count {
        // The ends were checked; in between, a range that runs backwards or out is no slice.
        let range = usize::try_from(offsets[index])
            .ok()
            .zip(usize::try_from(offsets[index + 1]).ok());
        let slice = range
            .and_then(|(start, end)| tokens.get(start..end))
            .ok_or_else(|| {
                format!(
                    "example {index} runs from {} to {} of {} tokens",
                    offsets[index],
                    offsets[index + 1],
                    tokens.len()
                )
            })?;
        let label_start = label_starts[index] as usize;
        if label_start > slice.len() {
            return Err(label_out_of_range(index, label_start, slice.len()));
        }
        splits.push(
            Split::from_u8(marks[index])
                .ok_or_else(|| format!("example {index} has split {}", marks[index]))?,
        );
        examples.push(TokenExample {
            tokens: slice.to_vec(),
            label_start,
            trajectory: trajectories[index],
            turn: turns[index],
        });
    }
    Ok(PreparedDataset {
        examples,
        splits,
        fingerprint,
    })
}

fn numbers<T, const SIZE: usize>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    number: impl Fn([u8; SIZE]) -> T,
) -> Result<Vec<T>, String> {
    let array = file
        .tensor(name)
        .map_err(|_| format!("it has no array {name}"))?;
    if array.dtype() != dtype || array.shape().len() != 1 {
        return Err(format!(
            "{name} is {:?} {:?}, not {dtype:?} in one dimension",
            array.dtype(),
            array.shape()
        ));
    }
    let (chunks, rest) = array.data().as_chunks::<SIZE>();
    if !rest.is_empty() {
        return Err(format!("{name} ends inside a number"));
    }
    Ok(chunks.iter().map(|&chunk| number(chunk)).collect())
}

fn label_out_of_range(index: usize, label_start: usize, length: usize) -> String {
    format!("the labels of example {index} start at {label_start} of {length} tokens")
}

#[cfg(test)]
mod tests;
