//! An evaluation's directory: whose it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{
    FileError, JsonError, RunLock, read_json, remove_directory_atomically, remove_leftovers,
    write_json,
};

use crate::manifest::{MANIFEST_FILE, Manifest};

/// Everything that a kind of evaluation leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    /// Its files, beside the manifest.
    pub files: &'static [&'static str],
    /// Its folders.
    pub folders: &'static [&'static str],
}

/// Why a directory cannot be an evaluation's.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It holds another evaluation.
    #[error(
        "{} holds another evaluation ({}); choose another directory, or give --overwrite to remove it",
        path.display(), differences.join("; ")
    )]
    Other {
        /// The directory.
        path: PathBuf,
        /// What differs, with both values.
        differences: Vec<String>,
    },
    /// It holds files of these names that no evaluation wrote.
    #[error(
        "{} holds {file}, but no evaluation.json that says what it is of; choose another directory",
        path.display()
    )]
    NotAnEvaluation {
        /// The directory.
        path: PathBuf,
        /// The file.
        file: &'static str,
    },
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A JSON file.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// Makes the directory `out` the evaluation's that `manifest` describes, for as long as the lock lives: a new one, the
/// one that was interrupted, or, with `overwrite`, a new one in place of what was there.
pub(crate) fn own(
    out: &Path,
    leaves: Leaves,
    manifest: &Manifest,
    overwrite: bool,
) -> Result<RunLock, DirectoryError> {
    let lock = RunLock::take(out)?;
    remove_leftovers(out)?;
    let path = out.join(MANIFEST_FILE);
    let is_there = path.is_file();
    let mut names = leaves
        .files
        .iter()
        .chain(leaves.folders)
        .chain([&MANIFEST_FILE]);
    if let (false, Some(file)) = (is_there, names.find(|name| out.join(name).exists())) {
        return Err(DirectoryError::NotAnEvaluation {
            path: out.to_owned(),
            file,
        });
    }
    if is_there && overwrite {
        for folder in leaves.folders.iter().map(|name| out.join(name)) {
            if folder.exists() {
                remove_directory_atomically(&folder)?;
            }
        }
        // The manifest last, as it says what the others are of.
        for file in leaves.files.iter().chain([&MANIFEST_FILE]) {
            remove_file(&out.join(file))?;
        }
    } else if is_there {
        let differences = read_json::<Manifest>(&path)?.differences(manifest);
        if !differences.is_empty() {
            return Err(DirectoryError::Other {
                path: out.to_owned(),
                differences,
            });
        }
        return Ok(lock);
    }
    write_json(&path, manifest)?;
    Ok(lock)
}

fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}
