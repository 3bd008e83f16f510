//! The operations that change the disk, each of which tests can have fail.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::{FileError, faults};

/// A new file, written to.
pub struct DiskFile(File);

impl DiskFile {
    /// Makes it and [holds](hold) it; there must be none of that name.
    pub(crate) fn create_new(path: &Path) -> io::Result<Self> {
        faults::check()?;
        let file = File::create_new(path)?;
        hold(&file, path)?;
        Ok(Self(file))
    }

    /// Has all of it on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        faults::check()?;
        self.0.sync_all()
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = faults::check() {
            // As a disk that fills up in the middle of it.
            self.0.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for DiskFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// A new folder, held by this process for as long as this lives.
pub(crate) struct HeldFolder {
    _folder: Option<File>,
}

/// Makes a folder and [holds](hold) it, where the system locks folders.
pub(crate) fn create_dir(path: &Path) -> io::Result<HeldFolder> {
    faults::check()?;
    fs::create_dir(path)?;
    if cfg!(not(unix)) {
        return Ok(HeldFolder { _folder: None });
    }
    let folder = File::open(path)?;
    hold(&folder, path)?;
    Ok(HeldFolder {
        _folder: Some(folder),
    })
}

/// Marks what was just made as a living process's: [`is_abandoned`] is false of it until it is closed.
fn hold(made: &File, path: &Path) -> io::Result<()> {
    // A file system without locks has nothing abandoned, as far as anybody can tell.
    let held = !matches!(made.try_lock(), Err(TryLockError::WouldBlock));
    // Between the two lines above somebody may have taken it for abandoned.
    match held && fs::symlink_metadata(path).is_ok() {
        true => Ok(()),
        false => Err(io::Error::other(
            "another process removed it; give the command again",
        )),
    }
}

/// Whether the process that made an unfinished file or folder is gone, where that can be told.
pub(crate) fn is_abandoned(path: &Path) -> bool {
    // Nothing else is ever made under such a name, and a pipe would be waited for.
    let plain = |metadata: fs::Metadata| metadata.is_file() || metadata.is_dir();
    fs::symlink_metadata(path).is_ok_and(plain)
        && File::open(path).is_ok_and(|made| made.try_lock().is_ok())
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::check()?;
    fs::rename(from, to)
}

/// Has two names change places in one step.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    faults::check()?;
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Removes a file, or a folder with all that is in it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    faults::check()?;
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Has a folder and all that is in it on the disk.
pub(crate) fn sync_tree(folder: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("sync", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            let path = entry.path();
            faults::check()
                .and_then(|()| File::open(&path))
                .and_then(|file| file.sync_all())
                .map_err(|source| FileError::new("sync", &path, source))?;
        }
    }
    sync_folder(folder)
}

/// Has the folder that holds `path` on the disk.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), FileError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

/// A rename is on the disk only when the folder that holds the name is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    let synced = faults::check()
        .and_then(|()| File::open(folder))
        .and_then(|folder| folder.sync_all());
    match synced {
        // Some network file systems cannot sync a folder; there the rename has to do.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced.map_err(|source| FileError::new("sync", folder, source)),
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), FileError> {
    Ok(())
}
