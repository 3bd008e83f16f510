//! Reading a GGUF file's header: metadata, then where each tensor lies.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;

use super::block::{self, BlockType};
use super::value::{Kind, List, Value};

/// The largest vocabularies take some 15 MB; bounds what a hostile file makes us read.
const LARGEST: u64 = 64 << 20;
/// Read at a time.
const STEP: u64 = 1 << 16;
/// Far above every model's; dozens are usual.
const MOST_ENTRIES: u64 = 1 << 16;
/// Far above every model's; a few hundred are usual.
const MOST_TENSORS: u64 = 1 << 16;
const LONGEST_NAME: usize = 1 << 10;
const DEFAULT_ALIGNMENT: u64 = 32;

/// What a header says, checked against the file's length.
#[derive(Debug)]
pub(super) struct Header {
    /// The header's bytes, in which texts and lists lie.
    pub bytes: Vec<u8>,
    pub metadata: HashMap<String, Value>,
    pub tensors: HashMap<String, Tensor>,
}

/// Where a tensor lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Outermost first, as everywhere but in the file.
    pub shape: Vec<usize>,
    pub kind: BlockType,
    /// In its file.
    pub bytes: Range<u64>,
    /// Which of the model's files, where it is split.
    pub part: usize,
}

/// Why a header is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    System(std::io::Error),
    Damaged(String),
    /// What is not implemented, and what is.
    Unsupported(String, &'static str),
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::Damaged(message)
    }
}

struct Cursor<'a> {
    file: &'a mut File,
    length: u64,
    bytes: Vec<u8>,
    at: usize,
}

/// Reads the header of `file`, which is `length` bytes long.
pub(super) fn read(file: &mut File, length: u64) -> Result<Header, Refusal> {
    let mut cursor = Cursor {
        file,
        length,
        bytes: Vec::new(),
        at: 0,
    };
    let magic = cursor.take(4)?;
    if &cursor.bytes[magic] != b"GGUF" {
        return Err("it does not begin with `GGUF`".to_owned().into());
    }
    match cursor.word()? {
        2 | 3 => {}
        version if version.swap_bytes() <= 3 => {
            let what = "a big-endian GGUF file".to_owned();
            return Err(Refusal::Unsupported(what, "convert it to little endian"));
        }
        version => {
            let what = format!("version {version} of the format");
            return Err(Refusal::Unsupported(what, "2 and 3 are"));
        }
    }
    let tensors = cursor.count("tensors", MOST_TENSORS)?;
    let entries = cursor.count("metadata entries", MOST_ENTRIES)?;
    let mut metadata = HashMap::new();
    for _ in 0..entries {
        let key = cursor.name()?;
        let kind = cursor.kind()?;
        let value = cursor.value(kind)?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(format!("`{key}` is there twice").into());
        }
    }
    let mut described = Vec::new();
    for _ in 0..tensors {
        described.push(cursor.tensor()?);
    }
    let alignment = match metadata.get("general.alignment").map(Value::integer) {
        None => DEFAULT_ALIGNMENT,
        Some(Some(alignment @ 1..=65536)) if alignment.count_ones() == 1 => alignment as u64,
        Some(_) => {
            return Err("`general.alignment` is not a power of two"
                .to_owned()
                .into());
        }
    };
    let start = (cursor.at as u64).next_multiple_of(alignment);
    let tensors = placed(described, start, alignment, length)?;
    Ok(Header {
        bytes: cursor.bytes,
        metadata,
        tensors,
    })
}

/// Checks that tensors lie inside the file and not on each other.
fn placed(
    mut described: Vec<(String, Tensor)>,
    start: u64,
    alignment: u64,
    length: u64,
) -> Result<HashMap<String, Tensor>, Refusal> {
    described.sort_by_key(|(_, tensor)| (tensor.bytes.start, tensor.bytes.end));
    let mut tensors = HashMap::new();
    let mut free = start;
    for (name, mut tensor) in described {
        let Range { start: begin, end } = tensor.bytes;
        let (Some(begin), Some(end)) = (start.checked_add(begin), start.checked_add(end)) else {
            return Err(format!("`{name}` lies outside the file").into());
        };
        if end > length {
            let message = format!("`{name}` ends at byte {end}, the file at {length}");
            return Err(message.into());
        }
        if !(begin - start).is_multiple_of(alignment) {
            return Err(format!("`{name}` is not aligned to {alignment} bytes").into());
        }
        if begin < free {
            return Err(format!("`{name}` lies on another tensor").into());
        }
        free = end;
        tensor.bytes = begin..end;
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(format!("`{name}` is there twice").into());
        }
    }
    Ok(tensors)
}

impl Cursor<'_> {
    /// The place of the next `size` bytes, which are then in memory.
    fn take(&mut self, size: u64) -> Result<Range<usize>, Refusal> {
        let end = (self.at as u64).checked_add(size);
        let end = end.filter(|&end| end <= self.length);
        let end = end.ok_or_else(|| "it ends inside its header".to_owned())?;
        if end > LARGEST {
            let message = format!("its header is longer than {} MiB", LARGEST >> 20);
            return Err(message.into());
        }
        while (self.bytes.len() as u64) < end {
            let filled = self.bytes.len();
            let more = STEP.min(self.length - filled as u64) as usize;
            self.bytes.resize(filled + more, 0);
            let read = self.file.read_exact(&mut self.bytes[filled..]);
            read.map_err(Refusal::System)?;
        }
        let range = self.at..end as usize;
        self.at = range.end;
        Ok(range)
    }

    fn word(&mut self) -> Result<u32, Refusal> {
        let range = self.take(4)?;
        let mut four = [0; 4];
        four.copy_from_slice(&self.bytes[range]);
        Ok(u32::from_le_bytes(four))
    }

    fn long(&mut self) -> Result<u64, Refusal> {
        let range = self.take(8)?;
        let mut eight = [0; 8];
        eight.copy_from_slice(&self.bytes[range]);
        Ok(u64::from_le_bytes(eight))
    }

    fn count(&mut self, what: &str, most: u64) -> Result<u64, Refusal> {
        match self.long()? {
            count if count <= most => Ok(count),
            count => Err(format!("it claims {count} {what}").into()),
        }
    }

    fn text(&mut self) -> Result<Range<usize>, Refusal> {
        let size = self.long()?;
        self.take(size)
    }

    fn name(&mut self) -> Result<String, Refusal> {
        let range = self.text()?;
        let name = &self.bytes[range];
        let text = std::str::from_utf8(name).ok();
        let text = text.filter(|text| text.len() <= LONGEST_NAME);
        let unusable = || {
            format!(
                "it has a name of {} bytes, which is too long or not text",
                name.len()
            )
        };
        Ok(text.ok_or_else(unusable)?.to_owned())
    }

    fn kind(&mut self) -> Result<Kind, Refusal> {
        let id = self.word()?;
        Ok(Kind::from_id(id).ok_or_else(|| format!("its metadata have a value of type {id}"))?)
    }

    fn value(&mut self, kind: Kind) -> Result<Value, Refusal> {
        if let Some(size) = kind.size() {
            let range = self.take(size as u64)?;
            let number = kind.number(&self.bytes[range]);
            return Ok(number.ok_or_else(|| "its metadata contradict themselves".to_owned())?);
        }
        if kind == Kind::Text {
            return Ok(Value::Text(self.text()?));
        }
        let kind = self.kind()?;
        let count = self.long()?;
        let begin = self.at;
        match (kind, kind.size()) {
            (Kind::List, _) => return Err("it has a list of lists".to_owned().into()),
            (_, Some(size)) => {
                self.take(count.saturating_mul(size as u64))?;
            }
            // Each takes eight bytes at least: the header's end ends this.
            (_, None) => {
                for _ in 0..count {
                    self.text()?;
                }
            }
        }
        Ok(Value::List(List {
            kind,
            count: count as usize,
            bytes: begin..self.at,
        }))
    }

    /// A tensor whose place is still counted from the first tensor's.
    fn tensor(&mut self) -> Result<(String, Tensor), Refusal> {
        let name = self.name()?;
        let dimensions = self.word()?;
        if !(1..=4).contains(&dimensions) {
            return Err(format!("`{name}` has {dimensions} dimensions").into());
        }
        let mut sizes = Vec::new();
        for _ in 0..dimensions {
            sizes.push(self.long()?);
        }
        let (id, begin) = (self.word()?, self.long()?);
        let kind = BlockType::from_id(id).ok_or_else(|| {
            let what = format!("`{name}` is stored as type {id}, which");
            Refusal::Unsupported(what, block::READ)
        })?;
        let row = sizes[0];
        if !row.is_multiple_of(kind.elements() as u64) {
            let message = format!(
                "`{name}` has rows of {row}, no whole {} blocks",
                kind.name()
            );
            return Err(message.into());
        }
        let elements = sizes
            .iter()
            .try_fold(1_u64, |product, &size| product.checked_mul(size));
        let size = elements.and_then(|elements| {
            (elements / kind.elements() as u64).checked_mul(kind.bytes() as u64)
        });
        let end = size.and_then(|size| begin.checked_add(size));
        let end = end.ok_or_else(|| format!("`{name}` is larger than any file"))?;
        let shape = sizes.iter().rev().map(|&size| size as usize).collect();
        let tensor = Tensor {
            shape,
            kind,
            bytes: begin..end,
            part: 0,
        };
        Ok((name, tensor))
    }
}
