//! The error of every operation on a file, and the advice that goes with it.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::io::Errno;

/// A file or folder operation that the operating system refused.
///
/// The message says what was tried, on which path, what the system answered, and, where
/// the answer leaves a choice, what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", .path.display(), advice_on(.path, .source))]
pub struct FileError {
    /// The path that the operation was about.
    pub path: PathBuf,
    /// What was tried, as a verb phrase: `write`, `read`, `create the folder`.
    pub action: &'static str,
    /// The answer of the operating system.
    pub source: io::Error,
}

impl FileError {
    /// An error of `action` on `path`.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            action,
            source,
        }
    }

    /// Whether the path simply is not there.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// [`advice`] on a path, which may be a link that leads nowhere: a hub's cache is links to blobs.
pub fn advice_on(path: &Path, source: &io::Error) -> Cow<'static, str> {
    match path.read_link() {
        Ok(target) if source.kind() == io::ErrorKind::NotFound => Cow::Owned(format!(
            " (it is a link to {}, which is not there: fetch the file again)",
            target.display()
        )),
        _ => Cow::Borrowed(advice(source)),
    }
}

/// The errors of a process, and of a machine, that has too many files open.
#[cfg(unix)]
const TOO_MANY_FILES: [Errno; 2] = [Errno::MFILE, Errno::NFILE];

/// What to do about an answer of the operating system, in brackets; nothing where it leaves no choice.
pub fn advice(source: &io::Error) -> &'static str {
    #[cfg(unix)]
    if source
        .raw_os_error()
        .is_some_and(|code| TOO_MANY_FILES.map(Errno::raw_os_error).contains(&code))
    {
        return " (raise the shell's limit of open files: see `ulimit -n`)";
    }
    match source.kind() {
        io::ErrorKind::StorageFull => {
            " (the disk is full: free some space or choose another --out)"
        }
        io::ErrorKind::QuotaExceeded => {
            " (your disk quota is used up: free some space or choose another --out)"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            " (that file system is read-only: choose a folder on another one)"
        }
        io::ErrorKind::PermissionDenied => {
            " (you lack the permission: change it or choose another folder)"
        }
        io::ErrorKind::NotADirectory => {
            " (a part of this path is a file, not a folder: choose another path)"
        }
        io::ErrorKind::NotFound => " (check the path; its folder must exist)",
        io::ErrorKind::FileTooLarge => {
            " (larger than this file system or the shell's limit allows: see `ulimit -f`)"
        }
        _ => "",
    }
}
