//! One safetensors file, read lazily.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use safetensors::tensor::{Metadata, TensorInfo};

use super::check::{self, Mismatch};
use super::{WeightsError, header};
use crate::{FileError, FloatType, TensorShape};

/// Bytes read at a time; a multiple of every element's size.
const CHUNK: usize = 1 << 20;

/// An open safetensors file. Its header is checked on opening; a tensor's bytes are read
/// when they are asked for.
///
/// Plain reads rather than a memory map: a file that shrinks while it is mapped kills the
/// process, a read returns an error.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    file: Mutex<File>,
    metadata: Metadata,
    /// Where the first tensor's bytes begin.
    start: u64,
}

impl SafetensorsFile {
    /// Opens the file and checks its header against its length; reads no tensor.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let (file, metadata, start) = header::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            metadata,
            start,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the tensors, in the order of their bytes.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// The shape of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.metadata.info(name)?.shape)
    }

    /// The type that a tensor is stored in; `None` if it is absent or not of floats.
    pub fn float_type(&self, name: &str) -> Option<FloatType> {
        self.metadata.info(name).and_then(float_type)
    }

    /// Reads a whole tensor, row-major, widened exactly.
    pub fn read_f32(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let info = self.info(name)?;
        if info.shape != expected {
            return Err(WeightsError::Shape {
                path: self.path.clone(),
                name: name.to_owned(),
                found: info.shape.clone(),
                expected: expected.to_vec(),
            });
        }
        let float = float_type(info).ok_or_else(|| WeightsError::Type {
            path: self.path.clone(),
            name: name.to_owned(),
            dtype: info.dtype.to_string(),
        })?;
        // The header's check has multiplied the shape already; it lies inside the file.
        let elements = (info.data_offsets.1 - info.data_offsets.0) / float.bytes();
        let mut values = Vec::new();
        values
            .try_reserve_exact(elements)
            .map_err(|_| WeightsError::Memory {
                name: name.to_owned(),
                elements: elements as u64,
            })?;
        self.chunks(name, |bytes| {
            let filled = values.len();
            values.resize(filled + bytes.len() / float.bytes(), 0.0);
            float.decode(bytes, &mut values[filled..]);
        })?;
        Ok(values)
    }

    /// Checks that the file holds exactly the tensors `expected`, by name and shape.
    pub fn check(&self, expected: &[TensorShape]) -> Result<(), WeightsError> {
        let found = self.names();
        let found = found.iter().map(|name| (name.as_str(), self.shape(name)));
        match check::compare(found, expected) {
            None => Ok(()),
            Some(mismatch) => Err(self.mismatch(mismatch)),
        }
    }

    /// Hands the bytes of a tensor to `take`, a part at a time.
    pub(crate) fn chunks(
        &self,
        name: &str,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), WeightsError> {
        let (begin, end) = self.info(name)?.data_offsets;
        let mut buffer = vec![0; CHUNK.min(end - begin)];
        for position in (begin..end).step_by(CHUNK) {
            let bytes = &mut buffer[..CHUNK.min(end - position)];
            self.read_at(self.start + position as u64, bytes)
                .map_err(|source| FileError::new("read", &self.path, source))?;
            take(bytes);
        }
        Ok(())
    }

    fn read_at(&self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(bytes)
    }

    pub(crate) fn info(&self, name: &str) -> Result<&TensorInfo, WeightsError> {
        self.metadata
            .info(name)
            .ok_or_else(|| WeightsError::Missing {
                path: self.path.clone(),
                name: name.to_owned(),
            })
    }

    fn mismatch(&self, mismatch: Mismatch) -> WeightsError {
        WeightsError::Mismatch {
            path: self.path.clone(),
            mismatch,
        }
    }
}

fn float_type(info: &TensorInfo) -> Option<FloatType> {
    FloatType::from_safetensors_name(&info.dtype.to_string())
}
