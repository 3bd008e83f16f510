//! One GGUF file, read lazily.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::GgufError;
use super::block::BlockType;
use super::header::{self, Header, Refusal, Tensor};
use super::split::Split;
use super::value::{Kind, List, Value};
use crate::{FileError, foreign_file, is_present};

/// Bytes read at a time, about.
const CHUNK: usize = 1 << 20;
/// More elements than any list that is asked for: the largest vocabularies have a quarter of a million.
const LONGEST_LIST: usize = 1 << 22;

/// An open GGUF file, with its sibling parts where the model is split: headers are read and checked on opening, a
/// tensor's bytes when they are asked for.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    parts: Vec<OpenPart>,
    /// The first part's bytes and metadata, the tensors of all.
    header: Header,
}

/// One file of a model.
#[derive(Debug)]
struct OpenPart {
    path: PathBuf,
    file: Mutex<File>,
}

impl GgufFile {
    /// Opens the file, or all parts of the model that it is one of, and checks headers against lengths and counts; reads
    /// no tensor.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, or holds a tensor of a type that is not read; a part is missing.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let (file, header) = open_one(path)?;
        let split = Split::of(path, &header)?;
        let Some(split) = split else {
            let part = OpenPart {
                path: path.to_owned(),
                file: Mutex::new(file),
            };
            return Ok(Self {
                path: path.to_owned(),
                parts: vec![part],
                header,
            });
        };
        let mut opened = Vec::new();
        for number in 1..=split.count {
            let other = split.part(number)?;
            let (file, header) = open_one(&other)?;
            split.check(&other, &header, number)?;
            opened.push((other, file, header));
        }
        let mut parts = Vec::new();
        let mut whole: Option<Header> = None;
        for (place, (other, file, mut header)) in opened.into_iter().enumerate() {
            for (name, mut tensor) in std::mem::take(&mut header.tensors) {
                tensor.part = place;
                let known = match &mut whole {
                    Some(whole) => whole.tensors.insert(name.clone(), tensor),
                    None => header.tensors.insert(name.clone(), tensor),
                };
                if known.is_some() {
                    return Err(GgufError::Damaged {
                        path: other,
                        message: format!("`{name}` is in an earlier part, too"),
                    });
                }
            }
            whole.get_or_insert(header);
            parts.push(OpenPart {
                path: other,
                file: Mutex::new(file),
            });
        }
        let header = whole.unwrap_or(header);
        split.check_tensors(header.tensors.len())?;
        Ok(Self {
            path: path.to_owned(),
            parts,
            header,
        })
    }

    /// Whether `path` is a file that calls itself GGUF, by its name or by its first bytes. A link of such a name that
    /// leads nowhere is one, too: opening it tells where it leads.
    pub fn is_at(path: &Path) -> bool {
        let named = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        match named {
            true => !path.is_dir() && is_present(path),
            false => begins_as_gguf(path),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it and the other parts of its model are.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(|part| part.path.as_path())
    }

    /// The names of the tensors as they are in the file, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, outermost first, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensor(name).map(|tensor| tensor.shape.as_slice())
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.header.tensors.get(name)
    }

    /// A tensor's values, row-major, dequantized; `None` where there is none of that name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_f32(&self, name: &str) -> Option<Result<Vec<f32>, GgufError>> {
        let tensor = self.tensor(name)?;
        Some(self.read_rows(tensor, |row| row))
    }

    /// A tensor's values, dequantized, the row at `r` in the file put at `place(r)`, a permutation.
    pub(crate) fn read_rows(
        &self,
        tensor: &Tensor,
        place: impl Fn(usize) -> usize,
    ) -> Result<Vec<f32>, GgufError> {
        let Tensor {
            shape, kind, bytes, ..
        } = tensor;
        // A tensor of one dimension is so many rows of one: what is permuted is its elements.
        let width = match shape.as_slice() {
            [_, .., width] => *width,
            _ if matches!(kind, BlockType::Plain(_)) => 1,
            other => other.iter().product(),
        };
        // The header's check has placed all of it inside the file.
        let elements = (bytes.end - bytes.start) as usize / kind.bytes() * kind.elements();
        let mut values = Vec::new();
        values.try_reserve_exact(elements).map_err(|_| {
            let source = std::io::Error::from(std::io::ErrorKind::OutOfMemory);
            FileError::new("read", &self.parts[tensor.part].path, source)
        })?;
        values.resize(elements, 0.0);
        let row_bytes = width / kind.elements() * kind.bytes();
        let mut row = 0;
        self.chunks(tensor, row_bytes.max(1), |bytes| {
            for bytes in bytes.chunks_exact(row_bytes) {
                let begin = place(row) * width;
                kind.decode(bytes, &mut values[begin..begin + width]);
                row += 1;
            }
        })?;
        Ok(values)
    }

    /// Hands on the bytes of a tensor, some of `unit` bytes at a time.
    pub(crate) fn chunks(
        &self,
        tensor: &Tensor,
        unit: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), GgufError> {
        let range = &tensor.bytes;
        let part = &self.parts[tensor.part];
        let failed = |source| FileError::new("read", &part.path, source);
        let mut file = part.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
        let mut left = range.end - range.start;
        let size = (CHUNK / unit).max(1) * unit;
        let mut buffer = vec![0; size.min(left as usize)];
        while left > 0 {
            let bytes = &mut buffer[..size.min(left as usize)];
            file.read_exact(bytes).map_err(failed)?;
            take(bytes);
            left -= bytes.len() as u64;
        }
        Ok(())
    }

    /// The keys of the metadata, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.header.metadata.keys().map(String::as_str)
    }

    /// An entry of the metadata.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.header.metadata.get(key)
    }

    /// An entry of the metadata as messages show it, shortened.
    pub(super) fn shown(&self, key: &str) -> String {
        let bytes = |range: &std::ops::Range<usize>| {
            String::from_utf8_lossy(&self.header.bytes[range.clone()]).into_owned()
        };
        match self.value(key) {
            None => "absent".to_owned(),
            Some(Value::Flag(flag)) => flag.to_string(),
            Some(Value::Text(range)) => {
                let text: String = bytes(range).chars().take(40).collect();
                format!("{text:?}")
            }
            Some(Value::List(list)) => {
                let numbers = self.numbers(key).ok().flatten().unwrap_or_default();
                let first: Vec<String> = numbers.iter().take(6).map(f64::to_string).collect();
                let more = if list.count > first.len() {
                    ", …"
                } else {
                    ""
                };
                format!("[{}{more}]", first.join(", "))
            }
            Some(value) => value
                .float()
                .map_or_else(|| "a number".to_owned(), |number| number.to_string()),
        }
    }

    /// The error of what is well-formed and not implemented.
    pub(super) fn unsupported(
        &self,
        what: &str,
        advice: impl Into<Cow<'static, str>>,
    ) -> GgufError {
        GgufError::Unsupported {
            path: self.path.clone(),
            what: what.to_owned(),
            advice: advice.into(),
        }
    }

    /// Whether a tensor is stored as anything but plain floats.
    pub(super) fn is_quantized(&self) -> bool {
        let plain = |tensor: &Tensor| matches!(tensor.kind, BlockType::Plain(_));
        !self.header.tensors.values().all(plain)
    }

    /// Whether the metadata have `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.header.metadata.contains_key(key)
    }

    /// The text of `key`.
    ///
    /// # Errors
    /// It is of another type, or no UTF-8.
    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        let text = |value: &Value| match value {
            Value::Text(range) => std::str::from_utf8(&self.header.bytes[range.clone()]).ok(),
            _ => None,
        };
        self.get(key, "a text", text)
    }

    /// The whole number of `key`.
    ///
    /// # Errors
    /// It is of another type.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, GgufError> {
        self.get(key, "a whole number", Value::integer)
    }

    /// The number of `key`.
    ///
    /// # Errors
    /// It is of another type, or not finite.
    pub fn float(&self, key: &str) -> Result<Option<f64>, GgufError> {
        let finite = |value: &Value| value.float().filter(|number| number.is_finite());
        self.get(key, "a number", finite)
    }

    /// The truth value of `key`.
    ///
    /// # Errors
    /// It is of another type.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        let flag = |value: &Value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        };
        self.get(key, "true or false", flag)
    }

    /// The list of texts of `key`.
    ///
    /// # Errors
    /// It is of another type, or one of them is no UTF-8.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&str>>, GgufError> {
        let texts = |value: &Value| {
            let list = list(value).filter(|list| list.kind == Kind::Text)?;
            let mut rest = &self.header.bytes[list.bytes.clone()];
            let mut texts = Vec::with_capacity(list.count);
            while let Some((size, after)) = rest.split_first_chunk() {
                let (text, after) = after.split_at_checked(u64::from_le_bytes(*size) as usize)?;
                texts.push(std::str::from_utf8(text).ok()?);
                rest = after;
            }
            Some(texts)
        };
        self.get(key, "a list of texts in UTF-8", texts)
    }

    /// The list of numbers of `key`.
    ///
    /// # Errors
    /// It is of another type.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, GgufError> {
        let numbers = |value: &Value| {
            let list = list(value)?;
            let bytes = &self.header.bytes[list.bytes.clone()];
            let number = |bytes| match list.kind.number(bytes)? {
                Value::Single(number) => Some(f64::from(number)),
                other => other.float(),
            };
            bytes.chunks_exact(list.kind.size()?).map(number).collect()
        };
        self.get(key, "a list of numbers", numbers)
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.header.metadata.get(key) else {
            return Ok(None);
        };
        let wrong = || self.wrong(key, &format!("must be {wanted}"));
        convert(value).map(Some).ok_or_else(wrong)
    }

    /// The error of a metadata entry.
    pub fn wrong(&self, key: &str, message: &str) -> GgufError {
        GgufError::Metadata {
            path: self.path.clone(),
            key: key.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// One file, its header checked against its length.
fn open_one(path: &Path) -> Result<(File, Header), GgufError> {
    let failed = |source| FileError::new("read", path, source);
    let damaged = |message| GgufError::Damaged {
        path: path.to_owned(),
        message,
    };
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(damaged("it is not a regular file".to_owned()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    match header::read(&mut file, length) {
        Ok(header) => Ok((file, header)),
        Err(Refusal::System(source)) => Err(failed(source).into()),
        Err(Refusal::Damaged(message)) => Err(match foreign_file(path) {
            Some(what) if !begins_as_gguf(path) => GgufError::Foreign {
                path: path.to_owned(),
                what,
            },
            _ => damaged(message),
        }),
        Err(Refusal::Unsupported(what, advice)) => Err(GgufError::Unsupported {
            path: path.to_owned(),
            what,
            advice: advice.into(),
        }),
    }
}

fn begins_as_gguf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let mut read = || File::open(path).ok()?.read_exact(&mut magic).ok();
    path.is_file() && read().is_some() && &magic == b"GGUF"
}

fn list(value: &Value) -> Option<&List> {
    match value {
        Value::List(list) if list.count <= LONGEST_LIST => Some(list),
        _ => None,
    }
}
