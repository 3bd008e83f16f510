//! Who is at work in a run's directory: its leases.
//!
//! `run` is held by a process that has all of the run for itself, or, for as long as it looks at the run and prepares its
//! data, by one that is about to train a stage. A stage's lease is taken by who holds `run`, and kept until the stage is
//! trained. `files` is held while the run's own files are written: `recipe.toml`, `summary.json`.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use glpft_checkpoints::{
    Claim, Claimed, Holder, LEASE_LENGTH, Lease, Watch, holds_lease, is_lease_open, lease_holder,
};
use glpft_recipes::Stage;

use crate::Error;
use crate::error::FolderError;

/// The lease of a whole run.
const RUN: &str = "run";
/// The lease of a run's own files.
const FILES: &str = "files";
/// How long leases hold, in seconds, where it is set.
const LENGTH_VARIABLE: &str = "GLPFT_LEASE_SECONDS";
/// Time between two looks at what another process is at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Hears what is waited for: what it is, and whose. It is told again when that changes.
pub type Waiting<'w> = dyn FnMut(&str, &Holder) -> Result<(), Error> + 'w;

/// How long leases hold without being renewed: `GLPFT_LEASE_SECONDS`, or two minutes.
pub fn lease_length() -> Duration {
    let set = std::env::var(LENGTH_VARIABLE).ok();
    let seconds = set.and_then(|text| text.trim().parse::<f64>().ok());
    seconds
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .map_or(LEASE_LENGTH, Duration::from_secs_f64)
}

/// Takes a lease at once, or fails with who holds it.
///
/// # Errors
/// [`FolderError::AtWork`], or the disk refuses.
pub(crate) fn take(folder: &Path, name: &str, work: &str) -> Result<Lease, Error> {
    match claim(folder, name, work).take_now()? {
        Claimed::Ours(lease) => Ok(lease),
        Claimed::Held(holder) => Err(Error::Folder(FolderError::AtWork {
            path: folder.to_owned(),
            holder,
        })),
    }
}

/// Takes a lease if nobody holds it; else says who does.
///
/// # Errors
/// The disk refuses.
pub(crate) fn try_take(
    folder: &Path,
    name: &str,
    work: &str,
    watch: &mut Watch,
) -> Result<Claimed, Error> {
    Ok(claim(folder, name, work).take(watch)?)
}

/// Takes a lease as soon as nobody holds it.
///
/// # Errors
/// The disk refuses, or `waiting` ends it.
pub(crate) fn wait_for(
    folder: &Path,
    name: &str,
    work: &str,
    waiting: &mut Waiting<'_>,
) -> Result<Lease, Error> {
    let mut watch = Watch::default();
    loop {
        match try_take(folder, name, work, &mut watch)? {
            Claimed::Ours(lease) => return Ok(lease),
            Claimed::Held(holder) => waiting(name, &holder)?,
        }
        sleep(LOOK_EVERY);
    }
}

fn claim<'a>(folder: &'a Path, name: &'a str, work: &'a str) -> Claim<'a> {
    Claim {
        folder,
        name,
        work,
        threads: rayon::current_num_threads(),
        length: lease_length(),
    }
}

/// Takes a whole run for this process alone.
///
/// # Errors
/// Another process is at work in it, or the disk refuses.
pub(super) fn take_run(root: &Path) -> Result<Lease, Error> {
    let lease = take(root, RUN, "has all of it")?;
    check_no_stage(root, |_| true)?;
    Ok(lease)
}

/// Takes a whole run for as long as it takes to begin with one of its stages.
///
/// # Errors
/// As [`wait_for`].
pub(super) fn wait_for_run(root: &Path, waiting: &mut Waiting<'_>) -> Result<Lease, Error> {
    wait_for(root, RUN, "prepares the data", waiting)
}

/// Has no other process be at work on some stages. Only the holder of the run may ask: nobody begins meanwhile.
///
/// # Errors
/// One is.
pub(super) fn check_no_stage(root: &Path, is_meant: impl Fn(Stage) -> bool) -> Result<(), Error> {
    for stage in Stage::ALL.into_iter().filter(|&stage| is_meant(stage)) {
        if !holds_lease(root, stage.name()) && is_lease_open(root, stage.name()) {
            take(root, stage.name(), "begins")?;
        }
    }
    Ok(())
}

/// What the holder of a stage's lease does.
pub(super) fn work(stage: Stage) -> String {
    format!("trains the {}", stage.name())
}

/// Has the run's own files be this process's alone, for a moment.
///
/// # Errors
/// The disk refuses.
pub(crate) fn own_files(root: &Path) -> Result<Option<Lease>, Error> {
    match holds_lease(root, FILES) {
        true => Ok(None),
        false => wait_for(root, FILES, "writes", &mut |_, _| Ok(())).map(Some),
    }
}

/// Who has the whole run.
pub fn at_work_in_run(root: &Path) -> Option<Holder> {
    lease_holder(root, RUN)
}

/// Who trains a stage of the run.
pub fn at_work_on(root: &Path, stage: Stage) -> Option<Holder> {
    lease_holder(root, stage.name())
}
