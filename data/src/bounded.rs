//! Whole files from outside, of a bounded size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads a regular file of at most `largest` bytes.
///
/// # Errors
/// It cannot be read, is larger, or is no file: opening a pipe would wait for its writer, reading a device might never
/// end.
pub(crate) fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let too_large = || io::Error::other(format!("it is larger than {} MiB", largest >> 20));
    if found.len() > largest {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    File::open(path)?
        .take(largest + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > largest {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}
