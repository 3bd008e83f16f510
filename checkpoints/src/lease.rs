//! Leases: one process at a time does a piece of work in a folder that several machines share.
//!
//! A lease is a file `.leases/<name>.<number>`, of which the highest number counts. It is made by one atomic operation (a
//! hard link; where the file system has none, an exclusive creation), so that it works on network file systems that lock
//! no files. Its holder renews it from a thread. It is free when its holder let it go, when its holder is dead (told at
//! once on the same machine), or when it was not renewed for its whole length: by the file system's own clock, and while
//! the next taker watched. The next taker makes the next number, which only one of several can, and removes the last
//! one; a process whose lease is gone writes nothing more ([`check_leases`]).

mod content;
mod file;
mod heart;
mod machine;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::FileError;

pub use content::Holder;
pub use heart::check_leases;

use content::Content;
use file::Seen;
use heart::Held;

/// The folder of a folder's leases.
pub const LEASES_FOLDER: &str = ".leases";
/// How long a lease holds without being renewed, where nothing else is said.
pub const LEASE_LENGTH: Duration = Duration::from_secs(120);
/// Time between two looks at a lease that another process holds.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A taker watches a lease that seems to have ended for this part of its length: a machine's clock may have been set.
const WATCHED_PART: u32 = 4;

/// What a process asks for: a lease of some name in a folder.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The folder that the work is done in.
    pub folder: &'a Path,
    /// The name of the piece of work, of letters, digits and hyphens.
    pub name: &'a str,
    /// What the holder does, for people: "trains the caller".
    pub work: &'a str,
    /// How many threads it does that with; 0 where it is not said.
    pub threads: usize,
    /// How long the lease holds without being renewed.
    pub length: Duration,
}

/// What came of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The lease is this process's.
    Ours(Lease),
    /// Another process holds it, as far as can be told so far.
    Held(Holder),
}

/// What was seen of a lease that another process holds, from one claim to the next.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<(u64, u64, Instant)>,
}

impl Watch {
    /// How long the lease has been as it is now.
    fn unchanged_for(&mut self, number: u64, beat: u64) -> Duration {
        let now = Instant::now();
        match self.last {
            Some((last, last_beat, since)) if (last, last_beat) == (number, beat) => now - since,
            _ => {
                self.last = Some((number, beat, now));
                Duration::ZERO
            }
        }
    }
}

impl Claim<'_> {
    /// Takes the lease if it is free; does not wait. Whether a process of another machine has died can only be told by
    /// claims some time apart that share a `watch`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn take(&self, watch: &mut Watch) -> Result<Claimed, FileError> {
        let leases = self.folder.join(LEASES_FOLDER);
        let failed = |source| FileError::new("take a lease in", &leases, source);
        fs::create_dir_all(&leases).map_err(failed)?;
        loop {
            let last = file::last(&leases, self.name).map_err(failed)?;
            if let Some(number) = last
                && let Some(holder) = self.holder(&leases, number, watch).map_err(failed)?
            {
                return Ok(Claimed::Held(holder));
            }
            let number = last.unwrap_or(0).saturating_add(1);
            let mut content = Content::new(self.work, self.threads, self.length);
            if !file::create(&leases, self.name, number, &mut content).map_err(failed)? {
                continue;
            }
            // The holder may have been about to renew it while it was judged.
            if let Some(last) = last
                && self.was_renewed(&leases, last, watch).map_err(failed)?
            {
                file::remove(&file::path(&leases, self.name, number)).map_err(failed)?;
                continue;
            }
            // Whoever was slower than several others finds them here.
            if file::last(&leases, self.name).map_err(failed)? != Some(number) {
                file::remove(&file::path(&leases, self.name, number)).map_err(failed)?;
                continue;
            }
            // The last one's holder finds it gone.
            file::remove_below(&leases, self.name, number).map_err(failed)?;
            let held = Held::new(leases.clone(), self.name, number, content);
            return Ok(Claimed::Ours(Lease {
                held: heart::keep(held).map_err(failed)?,
            }));
        }
    }

    /// Takes the lease, or says who holds it. Waits only where the holder may be dead on another machine, no longer than
    /// it takes to be sure of that.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_now(&self) -> Result<Claimed, FileError> {
        let mut watch = Watch::default();
        loop {
            match self.take(&mut watch)? {
                Claimed::Held(holder) if holder.seems_lost => thread::sleep(LOOK_EVERY),
                claimed => return Ok(claimed),
            }
        }
    }

    /// Whether a lease that was watched was renewed since.
    fn was_renewed(&self, leases: &Path, number: u64, watch: &Watch) -> io::Result<bool> {
        let Some((last, beat, _)) = watch.last else {
            return Ok(false);
        };
        let seen = Seen::read(&file::path(leases, self.name, number))?;
        Ok(last == number && seen.is_some_and(|seen| !seen.is_free() && seen.beat() != beat))
    }

    /// Who holds a lease, unless it is free.
    fn holder(&self, leases: &Path, number: u64, watch: &mut Watch) -> io::Result<Option<Holder>> {
        let Some(seen) = Seen::read(&file::path(leases, self.name, number))? else {
            return Ok(None);
        };
        if seen.is_free() {
            return Ok(None);
        }
        if seen.lives_here() {
            return Ok(Some(seen.holder(false)));
        }
        // Both times are the file system's, whatever the clocks of the machines say.
        let age = file::now(leases, self.name)?.saturating_sub(seen.written);
        let length = seen.length();
        let seems_lost = age > length || seen.may_be_copy();
        let unchanged = watch.unchanged_for(number, seen.beat());
        let lost = seems_lost && unchanged >= length / WATCHED_PART;
        Ok((!lost).then(|| seen.holder(seems_lost)))
    }
}

/// A lease that this process holds until it is dropped.
#[derive(Debug)]
pub struct Lease {
    held: Arc<Held>,
}

impl Lease {
    /// Finds out now whether the lease still is this process's.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self) -> io::Result<()> {
        self.held.renew();
        self.held.check()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        heart::let_go(&self.held);
    }
}

/// Whether this process holds a lease.
pub fn holds_lease(folder: &Path, name: &str) -> bool {
    heart::holds(&folder.join(LEASES_FOLDER), name)
}

/// The names of the leases in a folder that [are open](is_lease_open), sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn open_leases(folder: &Path) -> Result<Vec<String>, FileError> {
    let leases = folder.join(LEASES_FOLDER);
    let failed = |source| FileError::new("list the leases in", &leases, source);
    let mut names = file::names(&leases).map_err(failed)?;
    names.retain(|name| is_lease_open(folder, name));
    Ok(names)
}

/// Whether a lease was taken and not let go, and its holder is not known to be dead.
pub fn is_lease_open(folder: &Path, name: &str) -> bool {
    let leases = folder.join(LEASES_FOLDER);
    let last = file::last(&leases, name).ok().flatten();
    let seen = last.and_then(|number| Seen::read(&file::path(&leases, name, number)).ok()?);
    seen.is_some_and(|seen| !seen.is_free())
}

/// Who holds a lease, for people; none where nobody does, as far as can be told without writing.
pub fn lease_holder(folder: &Path, name: &str) -> Option<Holder> {
    let leases = folder.join(LEASES_FOLDER);
    let number = file::last(&leases, name).ok()??;
    let seen = Seen::read(&file::path(&leases, name, number)).ok()??;
    if seen.is_free() {
        return None;
    }
    // This machine's clock may be ahead of the file system's, by which the holder lives.
    let by_file_system = || {
        let now = file::now(&leases, name);
        now.is_ok_and(|now| now.saturating_sub(seen.written) <= seen.length())
    };
    let lives = seen.lives_here() || seen.age_by_clock() <= seen.length() || by_file_system();
    lives.then(|| seen.holder(false))
}
