//! The header of a safetensors file: a length, then JSON that describes every tensor.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::tensor::Metadata;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::WeightsError;
use crate::{FileError, foreign_file};

/// Room for a hundred thousand tensors; bounds what a hostile file makes us allocate.
const LARGEST: u64 = 32 << 20;

/// Opens `path` and checks its header: well-formed, no name twice, tensors that lie end to
/// end, are as long as their shapes say, and fill the file exactly. Returns the file, what
/// the header says, and where the first tensor's bytes begin.
pub(super) fn open(path: &Path) -> Result<(File, Metadata, u64), WeightsError> {
    read(path).map_err(|error| match &error {
        WeightsError::Damaged { .. } => match foreign_file(path) {
            Some(what) => WeightsError::Foreign {
                path: path.to_owned(),
                what,
            },
            None => error,
        },
        WeightsError::File(file) if file.is_not_found() => match pickle_beside(path) {
            Some(path) => WeightsError::Pickle { path },
            None => error,
        },
        _ => error,
    })
}

/// PyTorch's file of the same name.
fn pickle_beside(path: &Path) -> Option<PathBuf> {
    let found = ["bin", "pt", "pth"].map(|extension| path.with_extension(extension));
    found.into_iter().find(|path| path.is_file())
}

fn read(path: &Path) -> Result<(File, Metadata, u64), WeightsError> {
    let failed = |source| FileError::new("read", path, source);
    let damaged = |message: String| WeightsError::Damaged {
        path: path.to_owned(),
        message,
    };
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(damaged("it is not a regular file".into()));
    }
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length < 8 {
        return Err(damaged(format!("it is {length} bytes long")));
    }
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(failed)?;
    let size = u64::from_le_bytes(size);
    if size > LARGEST {
        return Err(damaged(format!("its header claims {size} bytes")));
    }
    if size > length - 8 {
        return Err(damaged(format!(
            "its header claims {size} bytes, {} are there",
            length - 8
        )));
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header).map_err(failed)?;
    no_name_twice(&header).map_err(|error| damaged(error.to_string()))?;
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
    let start = 8 + size;
    let end = start.saturating_add(metadata.data_len() as u64);
    if end != length {
        return Err(damaged(format!(
            "it should be {end} bytes long and is {length}"
        )));
    }
    Ok((file, metadata, start))
}

/// The safetensors crate lets the last of two tensors with one name win without a word.
fn no_name_twice(header: &[u8]) -> Result<(), serde_json::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut seen = HashSet::new();
            while let Some(name) = map.next_key::<String>()? {
                map.next_value::<IgnoredAny>()?;
                if let Some(name) = seen.replace(name) {
                    return Err(A::Error::custom(format!("`{name}` is there twice")));
                }
            }
            Ok(())
        }
    }
    serde_json::Deserializer::from_slice(header).deserialize_map(Names)
}
