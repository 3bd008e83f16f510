//! A quick start's directory: which world it is about.

use std::fs;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{
    FileError, RunLock, read_json, remove_directory_atomically, remove_leftovers, write_json,
};
use glpft_world::Size;
use serde::{Deserialize, Serialize};

use super::folders::{BASE, MEASURED, WORLD};
use super::{Contestant, PAGE_FILE, QUESTION_FILE, QUICKSTART_FILE};
use crate::Error;

/// Which world it is.
const WORLD_FILE: &str = "world.json";

/// Which world a directory's quick start is about.
#[derive(PartialEq, Serialize, Deserialize)]
struct Kept {
    seed: u64,
    size: Size,
}

/// A directory that is this quick start's alone.
pub(super) struct Place {
    /// The directory, spelled the same whatever way the user spelled it: recipes hold paths in it.
    pub root: PathBuf,
    _lock: RunLock,
}

/// Makes the directory `out` that of a world: a new one, the one that was interrupted, or, with `overwrite`, a new one in
/// place of what an earlier quick start left.
pub(super) fn own(out: &Path, seed: u64, size: Size, overwrite: bool) -> Result<Place, Error> {
    let lock = RunLock::take(out)?;
    remove_leftovers(out)?;
    let failed = |source| FileError::new("find", out, source);
    let root = out.canonicalize().map_err(failed)?;
    let (path, now) = (root.join(WORLD_FILE), Kept { seed, size });
    if !path.is_file() {
        check_empty(&root)?;
    } else if overwrite {
        clear(&root)?;
    } else {
        let then: Kept = read_json(&path)?;
        if then != now {
            return Err(other(&root, &then, &now));
        }
    }
    write_json(&path, &now)?;
    Ok(Place { root, _lock: lock })
}

/// What is there already may be somebody's.
fn check_empty(root: &Path) -> Result<(), Error> {
    let failed = |source| FileError::new("read the folder", root, source);
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            return Err(Error::Argument {
                argument: "--out",
                problem: format!(
                    "{} holds {}, but no quick start ({WORLD_FILE}); choose another directory",
                    root.display(),
                    name.display()
                ),
            });
        }
    }
    Ok(())
}

/// Removes what quick starts leave; last the file that says whose it is.
fn clear(root: &Path) -> Result<(), Error> {
    let folders = [WORLD, BASE, MEASURED].into_iter();
    for folder in folders.chain(Contestant::ALL.into_iter().filter_map(Contestant::run)) {
        let folder = root.join(folder);
        if folder.exists() {
            remove_directory_atomically(&folder)?;
        }
    }
    for file in [QUESTION_FILE, PAGE_FILE, QUICKSTART_FILE, WORLD_FILE] {
        let file = root.join(file);
        if file.exists() {
            fs::remove_file(&file).map_err(|source| FileError::new("remove", &file, source))?;
        }
    }
    Ok(())
}

fn other(root: &Path, then: &Kept, now: &Kept) -> Error {
    Error::Argument {
        argument: match then.seed == now.seed {
            true => "--size",
            false => "--seed",
        },
        problem: format!(
            "{} holds the quick start of another world (seed {}, {} training tasks); ask for that one, choose another \
             directory with --out, or give --overwrite to remove what is there",
            root.display(),
            then.seed,
            then.size.train_tasks
        ),
    }
}
