//! Files and directories that appear whole or not at all.
//!
//! Everything is made under a temporary name beside its final one, synced to the disk, and
//! then renamed, so a reader (or the next run after a power cut) sees either the previous
//! content or the new one. What a killed process leaves behind has a name that
//! [`remove_leftovers`] recognises.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::FileError;
use crate::disk::{
    DiskFile, create_dir, exchange, is_abandoned, remove, rename, sync_folder_of, sync_tree,
};

/// How the name of everything unfinished ends.
const UNFINISHED: &str = ".glpft-tmp";
/// How the name of a directory that is being replaced ends.
const REPLACED: &str = ".glpft-old";

/// Large enough that tensors leave in few system calls.
const BUFFER: usize = 1 << 20;

/// Writes the file `path` so that it appears whole or not at all.
///
/// `write` fills a temporary file in the same folder; it is flushed and synced, renamed to
/// `path` (replacing what was there), and the folder is synced. When anything fails the
/// temporary is removed and `path` is as it was. The folder must exist.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<DiskFile>) -> io::Result<()>,
) -> Result<(), FileError> {
    write_file(path, |writer| {
        write(writer).map_err(|source| FileError::new("write", path, source))
    })
}

/// [`write_atomically`] for a `write` that can fail for reasons of its own.
pub(crate) fn write_file<E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<DiskFile>) -> Result<(), E>,
) -> Result<(), E> {
    let mut file = AtomicFile::create(path)?;
    write(&mut file.writer)?;
    Ok(file.commit()?)
}

/// A file under way: it appears at its path when it is [committed](Self::commit), or not at all.
///
/// Until then its content lies under a temporary name in the same folder, which goes when it is dropped.
pub struct AtomicFile {
    path: PathBuf,
    // Before the temporary: it is closed before its name is removed.
    writer: BufWriter<DiskFile>,
    temporary: Temporary,
}

impl AtomicFile {
    /// Begins the file `path`, whose folder must exist.
    ///
    /// # Errors
    /// Where the temporary file cannot be made.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let temporary = Temporary::beside(path, UNFINISHED)?;
        let file = DiskFile::create_new(&temporary.path)
            .map_err(|source| FileError::new("write", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            writer: BufWriter::with_capacity(BUFFER, file),
            temporary,
        })
    }

    /// Writes what is left to the disk and puts the file in its place, over what was there.
    ///
    /// # Errors
    /// Where the disk refuses; then the path is as it was.
    pub fn commit(self) -> Result<(), FileError> {
        let path = &self.path;
        let failed = |source| FileError::new("write", path, source);
        let file = self
            .writer
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync().map_err(failed)?;
        rename(&self.temporary.path, path).map_err(failed)?;
        // Held until it has its own name.
        drop(file);
        self.temporary.keep();
        sync_folder_of(path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// Makes the directory `path` so that it appears whole or not at all.
///
/// `fill` gets an empty directory beside `path` under a temporary name; every file and
/// folder in it is then synced and it is renamed to `path`. A directory that was there is
/// exchanged in one step where the system can do that (Linux), otherwise moved aside first
/// ([`remove_leftovers`] brings it back if the process dies just then), and removed last.
/// When anything fails the temporary is removed and `path` is as it was.
pub fn create_directory_atomically<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| FileError::new("create the folder", path, source);
    let temporary = Temporary::beside(path, UNFINISHED)?;
    let _held = create_dir(&temporary.path).map_err(failed)?;
    fill(&temporary.path)?;
    sync_tree(&temporary.path)?;
    match fs::symlink_metadata(path) {
        Ok(existing) if existing.is_dir() => replace(temporary, path)?,
        Ok(_) => {
            return Err(failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file with this name exists; remove it or choose another name",
            ))
            .into());
        }
        Err(_) => {
            rename(&temporary.path, path).map_err(failed)?;
            temporary.keep();
            sync_folder_of(path)?;
        }
    }
    Ok(())
}

/// Removes the directory `path` so that it is whole until it is gone: a process killed half
/// way leaves the rest under a temporary name.
pub fn remove_directory_atomically(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("remove the folder", path, source);
    let temporary = Temporary::beside(path, UNFINISHED)?;
    rename(path, &temporary.path).map_err(failed)?;
    sync_folder_of(path)?;
    remove(&temporary.path).map_err(failed)
}

/// Removes what killed processes left unfinished directly inside `folder`, and puts back a
/// directory that one of them had moved aside without putting the new one in its place.
///
/// Call it only as the one owner of `folder`: it cannot tell another living process's work
/// from a dead one's. What this process has under way stays. Returns the names removed.
pub fn remove_leftovers(folder: &Path) -> Result<Vec<OsString>, FileError> {
    remove_leftovers_of(folder, |_| true)
}

/// [`remove_leftovers`] of what stands for some names in `folder`, of which alone this process is the owner.
pub(crate) fn remove_leftovers_of(
    folder: &Path,
    is_owned: impl Fn(&str) -> bool,
) -> Result<Vec<OsString>, FileError> {
    let failed = |source| FileError::new("clean up", folder, source);
    let mut removed = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let leftover = name.to_str().and_then(leftover_of);
        let Some((original, replaced)) = leftover.filter(|(original, _)| is_owned(original)) else {
            continue;
        };
        let original = folder.join(original);
        if replaced && fs::symlink_metadata(&original).is_err() {
            rename(&entry.path(), &original).map_err(failed)?;
            continue;
        }
        match remove(&entry.path()) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            outcome => outcome.map_err(failed)?,
        }
        removed.push(name);
    }
    Ok(removed)
}

/// Removes what killed processes left unfinished directly inside `folder`, which other processes may be writing to: what
/// a living one has under way stays, and so does everything where the file system has no locks. Without `folder` there
/// is nothing to do.
///
/// # Errors
/// The folder cannot be read, or the disk refuses.
pub fn remove_abandoned(folder: &Path) -> Result<(), FileError> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let failed = |source| FileError::new("clean up", folder, source);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let leftover = name.to_str().and_then(leftover_of);
        // One that was moved aside is somebody's only copy.
        if leftover.is_some_and(|(_, replaced)| !replaced) && is_abandoned(&entry.path()) {
            match remove(&entry.path()) {
                // Another process that cleans up was first.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(failed)?,
            }
        }
    }
    Ok(())
}

/// The final name that a temporary of another process stands for, and whether it is the
/// previous directory moved aside.
fn leftover_of(name: &str) -> Option<(&str, bool)> {
    let (rest, replaced) = match name.strip_suffix(UNFINISHED) {
        Some(rest) => (rest, false),
        None => (name.strip_suffix(REPLACED)?, true),
    };
    let (original, token) = rest.strip_prefix('.')?.rsplit_once('.')?;
    let ours = token
        .strip_prefix(process_token())
        .is_some_and(|count| count.starts_with('-'));
    (!original.is_empty() && !ours).then_some((original, replaced))
}

/// Puts the filled directory `temporary` where the directory `path` is.
fn replace(temporary: Temporary, path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("replace the folder", path, source);
    if exchange(&temporary.path, path).is_ok() {
        sync_folder_of(path)?;
        // The temporary name now holds the previous directory, which goes as it is dropped.
        return Ok(());
    }
    let aside = Temporary::beside(path, REPLACED)?;
    rename(path, &aside.path).map_err(failed)?;
    if let Err(source) = rename(&temporary.path, path) {
        // If even this fails, the next `remove_leftovers` puts it back.
        let back = rename(&aside.path, path);
        aside.keep();
        return Err(failed(back.err().unwrap_or(source)));
    }
    temporary.keep();
    sync_folder_of(path)
}

/// A temporary name, removed with what it names when dropped unless kept.
struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    fn beside(path: &Path, suffix: &str) -> Result<Self, FileError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = path.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
            return Err(FileError::new("write", path, source));
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{count}{suffix}", process_token()));
        Ok(Self {
            path: path.with_file_name(temporary),
            kept: false,
        })
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // There is nobody to tell: an error is under way already, or the new content is
            // in place and `remove_leftovers` will find the rest.
            let _ = remove(&self.path);
        }
    }
}

/// Tells this process's temporaries from those of every other, also after a restart that
/// was given the same process id.
fn process_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        format!("{}-{nanos:x}", std::process::id())
    })
}
