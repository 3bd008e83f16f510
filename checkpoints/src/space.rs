//! Whether there is room for what is to be written, before it is written.

use std::io;
use std::path::Path;

use crate::FileError;

/// What files take beside their tensors: headers, configurations, states, the file system's own.
const AROUND: u64 = 1 << 20;

/// Checks that `bytes` of tensors fit on the disk that the folder is on.
///
/// A quota or another program may still be in the way; then the write itself fails.
///
/// # Errors
/// They do not fit.
pub fn check_space(folder: &Path, bytes: u64) -> Result<(), FileError> {
    let needed = bytes.saturating_add(AROUND);
    match free_space(folder) {
        Some(free) if free < needed => {
            let message = format!(
                "it takes {} and {} are free",
                megabytes(needed),
                megabytes(free)
            );
            let source = io::Error::new(io::ErrorKind::StorageFull, message);
            Err(FileError::new("write in", folder, source))
        }
        _ => Ok(()),
    }
}

/// A number of bytes, for people; rounded up, so that what does not fit is never shown as fitting.
pub fn megabytes(bytes: u64) -> String {
    match bytes {
        0..10_000_000_000 => format!("{} MB", bytes.div_ceil(1_000_000)),
        _ => format!("{} GB", bytes.div_ceil(1_000_000_000)),
    }
}

/// The bytes that this user may still write to the folder's disk, where the system tells.
#[cfg(target_os = "linux")]
pub fn free_space(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    // Some network file systems say nothing at all.
    (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
}

/// The bytes that this user may still write to the folder's disk: not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn free_space(_folder: &Path) -> Option<u64> {
    None
}
