//! `RUN/rounds/`: by which settings its rounds are.

use std::fs;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{
    FileError, RunLock, read_json, remove_directory_atomically, remove_leftovers, write_json,
};
use glpft_eval::static_evaluation::Manifest;

use super::report::{ROUNDS_FILE, ROUNDS_PAGE};
use crate::Error;
use crate::error::FolderError;
use crate::place::ROUNDS_FOLDER;

/// What decides the rounds: they go on only where all of it is the same.
const STATE_FILE: &str = "improve.json";

/// A run's rounds, for this process alone as long as this lives.
pub(super) struct Place {
    /// The folder, spelled the same whatever way the user spelled it: recipes hold paths in it.
    pub root: PathBuf,
    _lock: RunLock,
}

impl Place {
    /// The folder of a round.
    pub fn round(&self, number: usize) -> PathBuf {
        self.root.join(number.to_string())
    }
}

/// Makes `rounds/` in the run's directory that of rounds by these settings: a new one, the one that was interrupted, or, with
/// `overwrite`, a new one in place of earlier rounds.
///
/// # Errors
/// Other settings' rounds, somebody else's files, another process at work there, or the disk.
pub(super) fn own(run: &Path, settings: &Manifest, overwrite: bool) -> Result<Place, Error> {
    let root = run.join(ROUNDS_FOLDER);
    let lock = RunLock::take(&root)?;
    remove_leftovers(&root)?;
    let path = root.join(STATE_FILE);
    if !path.is_file() {
        check_empty(&root)?;
    } else if overwrite {
        clear(&root)?;
    } else {
        let differences = read_json::<Manifest>(&path)?.differences(settings);
        if !differences.is_empty() {
            return Err(Error::Folder(FolderError::OtherRounds {
                path: root,
                differences: differences.join("; "),
            }));
        }
    }
    write_json(&path, settings)?;
    Ok(Place { root, _lock: lock })
}

/// What is there already may be somebody's.
fn check_empty(root: &Path) -> Result<(), Error> {
    match names(root)?.first() {
        None => Ok(()),
        Some(name) => Err(Error::Argument {
            argument: "RUN",
            problem: format!(
                "{} holds {name}, but no {STATE_FILE} that says what its rounds are; move it away",
                root.display()
            ),
        }),
    }
}

/// Removes earlier rounds; last the file that says whose they are.
fn clear(root: &Path) -> Result<(), Error> {
    let names = names(root)?;
    let rounds = names.iter().filter(|name| name.parse::<usize>().is_ok());
    for round in rounds {
        remove_directory_atomically(&root.join(round))?;
    }
    for file in [ROUNDS_FILE, ROUNDS_PAGE, STATE_FILE] {
        let file = root.join(file);
        if file.exists() {
            fs::remove_file(&file).map_err(|source| FileError::new("remove", &file, source))?;
        }
    }
    Ok(())
}

/// What is in a folder, sorted, without hidden files.
fn names(root: &Path) -> Result<Vec<String>, FileError> {
    let failed = |source| FileError::new("list", root, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}
