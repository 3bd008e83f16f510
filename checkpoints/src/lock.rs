//! One writer a directory, on one machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::FileError;

/// The file that is locked. It stays when the lock goes: removing it would race with the next process.
const LOCK_FILE: &str = ".lock";

/// Held by the one process that writes to a directory, such as that of an evaluation; a run's has
/// [leases](crate::Lease). The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct RunLock {
    _file: Option<File>,
}

impl RunLock {
    /// Takes the lock of the directory `root`, which is made where it is missing; never waits.
    ///
    /// # Errors
    /// Where another process holds it, or the directory cannot be written to.
    pub fn take(root: &Path) -> Result<Self, FileError> {
        fs::create_dir_all(root)
            .map_err(|source| FileError::new("create the run's folder", root, source))?;
        let path = root.join(LOCK_FILE);
        let failed = |source| FileError::new("lock the run in", root, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "{} is at work in it; wait for it, or choose another directory",
                    holder(file)
                );
                return Err(failed(io::Error::other(message)));
            }
            // Some network file systems have no locks: better no lock there than no run.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(Self { _file: None });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Only for the message above; a lock without it is a lock.
        let _ = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: Some(file) })
    }
}

/// Who holds the lock, as far as can be told.
fn holder(file: File) -> String {
    let mut text = String::new();
    match file
        .take(20)
        .read_to_string(&mut text)
        .map(|_| text.parse())
    {
        Ok(Ok(process)) => {
            let process: u32 = process;
            format!("another process ({process})")
        }
        _ => "another process".to_owned(),
    }
}
