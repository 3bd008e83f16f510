//! The files of leases: made, listed, read, removed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::LEASE_LENGTH;
use super::content::{Content, FILE_BYTES, Holder, unique};
use super::machine::Process;

/// The file of a lease.
pub(super) fn path(leases: &Path, name: &str, number: u64) -> PathBuf {
    leases.join(format!("{name}.{number}"))
}

/// The name and number of a lease's file.
fn parts(name: &str) -> Option<(&str, u64)> {
    let (name, number) = name.rsplit_once('.')?;
    (!name.is_empty() && !name.starts_with('.'))
        .then(|| number.parse().ok())?
        .map(|number| (name, number))
}

fn entries(leases: &Path) -> io::Result<Vec<(String, u64)>> {
    let listed = match fs::read_dir(leases) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let name = entry?.file_name();
        let parts = name.to_str().and_then(parts);
        found.extend(parts.map(|(name, number)| (name.to_owned(), number)));
    }
    Ok(found)
}

/// The names of all leases that there ever were, sorted.
pub(super) fn names(leases: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = entries(leases)?.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The highest number of a lease.
pub(super) fn last(leases: &Path, name: &str) -> io::Result<Option<u64>> {
    let found = entries(leases)?.into_iter();
    Ok(found
        .filter(|(other, _)| other == name)
        .map(|(_, number)| number)
        .max())
}

/// Removes a lease's files below a number.
pub(super) fn remove_below(leases: &Path, name: &str, number: u64) -> io::Result<()> {
    for (other, below) in entries(leases)? {
        if other == name && below < number {
            remove(&path(leases, name, below))?;
        }
    }
    Ok(())
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a lease's file whole, unless there is one of that number; whether it did. `content` learns which file it is in.
pub(super) fn create(
    leases: &Path,
    name: &str,
    number: u64,
    content: &mut Content,
) -> io::Result<bool> {
    let own = leases.join(format!(".{name}.{}", content.token));
    let made = write_new(&own, content).and_then(|()| link(&own, &path(leases, name, number)));
    remove(&own)?;
    match made {
        // A file system without hard links; readers take a file that is half written for a held one.
        Ok(Linked::No) => match write_new(&path(leases, name, number), content) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            written => written.map(|()| true),
        },
        Ok(Linked::Yes) => Ok(true),
        Ok(Linked::Taken) => Ok(false),
        Err(error) => Err(error),
    }
}

enum Linked {
    Yes,
    Taken,
    No,
}

fn link(own: &Path, to: &Path) -> io::Result<Linked> {
    match fs::hard_link(own, to) {
        Ok(()) => Ok(Linked::Yes),
        // The answer to a first try may have been lost on the network.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let (own, there) = (fs::metadata(own)?, fs::metadata(to));
            let same = there.is_ok_and(|there| inode(&there) != 0 && inode(&there) == inode(&own));
            Ok(if same { Linked::Yes } else { Linked::Taken })
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::TooManyLinks
            ) =>
        {
            Ok(Linked::No)
        }
        Err(error) => Err(error),
    }
}

fn write_new(path: &Path, content: &mut Content) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    content.inode = inode(&file.metadata()?);
    file.write_all(&content.bytes()?)
}

/// Writes a lease's file anew, in place: whoever has the folder's names in memory sees it, too.
pub(super) fn rewrite(path: &Path, content: &Content) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(&content.bytes()?)
}

/// What time it is by the clock of the file system.
pub(super) fn now(leases: &Path, name: &str) -> io::Result<Duration> {
    let probe = leases.join(format!(".{name}.{}-now", unique(&Process::this())));
    let written = fs::write(&probe, b"now").and_then(|()| fs::metadata(&probe));
    remove(&probe)?;
    written.map(|metadata| time(&metadata))
}

fn time(metadata: &Metadata) -> Duration {
    let written = metadata.modified().unwrap_or(UNIX_EPOCH);
    written.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

/// A lease's file, as it was read.
pub(super) struct Seen {
    content: Option<Content>,
    inode: u64,
    /// When it was written last, by the clock of the file system.
    pub written: Duration,
}

impl Seen {
    /// Reads it; none where it is gone.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let gone = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle
            )
        };
        // What is no file may be waited for.
        match fs::symlink_metadata(path) {
            Err(error) if gone(&error) => return Ok(None),
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(io::Error::other("a lease that is no file")),
            Err(error) => return Err(error),
        }
        let read = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            let mut bytes = Vec::new();
            file.take(FILE_BYTES as u64 * 4).read_to_end(&mut bytes)?;
            Ok((metadata, bytes))
        });
        match read {
            Err(error) if gone(&error) => Ok(None),
            Err(error) => Err(error),
            Ok((metadata, bytes)) => Ok(Some(Self {
                content: Content::parse(&bytes),
                inode: inode(&metadata),
                written: time(&metadata),
            })),
        }
    }

    /// Whether it is the lease of this token.
    pub fn is_of(&self, token: &str) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.token == token)
    }

    /// Whether nobody holds it: it was let go, its holder is dead on this machine, or it is a copy of another folder's that
    /// was made on this machine.
    pub fn is_free(&self) -> bool {
        self.content.as_ref().is_some_and(|content| {
            let alive = content.process.is_alive(&content.machine);
            // Other machines may number the files of the same file system otherwise.
            let is_copy = content.inode != self.inode && alive.is_some();
            content.free || is_copy || alive == Some(false)
        })
    }

    /// Whether it may be a copy of another folder's lease, which nobody renews here.
    pub fn may_be_copy(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.inode != self.inode)
    }

    /// Whether its holder lives on this machine.
    pub fn lives_here(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.process.is_alive(&content.machine) == Some(true))
    }

    pub fn length(&self) -> Duration {
        self.content.as_ref().map_or(LEASE_LENGTH, Content::length)
    }

    /// What changes as long as its holder lives.
    pub fn beat(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.beat)
    }

    /// How long ago it was written by this machine's clock.
    pub fn age_by_clock(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().saturating_sub(self.written)
    }

    pub fn holder(&self, seems_lost: bool) -> Holder {
        Holder::of(self.content.as_ref(), seems_lost)
    }
}
