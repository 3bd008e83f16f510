//! Finished stages and prepared data of one run as those of another.
//!
//! Files are linked, not copied, where the file system can do that: a run's files are never written to again, only
//! replaced.

use std::fs;
use std::path::Path;

use glpft_checkpoints::{FileError, RunDirectory, create_directory_atomically, name_bases_anew};

use crate::Error;

/// Makes a finished stage of `from` one of `to`; what `to` had of it goes. Checkpoints stay behind: they are for who goes
/// on training.
///
/// # Errors
/// A file cannot be read, or the disk refuses.
pub(crate) fn carry_stage(
    from: &RunDirectory,
    to: &RunDirectory,
    stage: &str,
) -> Result<(), Error> {
    // The model last: it says that the stage is finished.
    replace(&from.stage(stage), &to.stage(stage))?;
    replace(&from.model(stage), &to.model(stage))?;
    Ok(name_bases_anew(to)?)
}

/// Has `to` begin with the prepared data of `from`, where it has none.
///
/// # Errors
/// As [`carry_stage`].
pub(crate) fn carry_data(from: &RunDirectory, to: &RunDirectory) -> Result<(), Error> {
    if from.prepare().is_file() && !to.prepare().exists() {
        replace(&from.data(), &to.data())?;
    }
    Ok(())
}

/// Makes `to` a copy of `from`; what was there goes.
fn replace(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_dir() {
        return Ok(());
    }
    create_directory_atomically::<FileError>(to, |to| link_folder(from, to))?;
    Ok(())
}

fn link_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::new("copy", from, source);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if hidden || name.to_string_lossy().starts_with("checkpoint-") {
            continue;
        }
        let target = to.join(&name);
        if path.is_dir() {
            fs::create_dir(&target).map_err(failed)?;
            link_folder(&path, &target)?;
        } else if fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).map_err(failed)?;
        }
    }
    Ok(())
}
