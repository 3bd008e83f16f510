//! The runs in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use glpft_checkpoints::FileError;
use serde::Serialize;

use super::RunStatus;
use crate::error::Error;
use crate::place::RECIPE;

/// How deep runs lie in a folder of studies: `STUDY/runs/<base>/<share>/seed-<seed>/<arrangement>`.
const DEEPEST: usize = 6;
/// How many folders are looked into: whoever names a home directory need not wait for all of it.
const MOST: usize = 10_000;

/// A run of which nothing can be said.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadableRun {
    /// Its directory.
    pub run: PathBuf,
    /// Why.
    pub error: String,
}

/// The runs of a study, of a quick start, or of a folder of all these, in the order of their paths; none where the directory
/// holds none. One that cannot be read is told as that.
///
/// # Errors
/// The directory cannot be listed.
pub fn runs_in(root: &Path) -> Result<Vec<Result<RunStatus, UnreadableRun>>, Error> {
    let failed = |source| FileError::new("list the runs in", root, source);
    fs::read_dir(root).map_err(failed)?;
    let mut runs = Vec::new();
    find(root, DEEPEST, &mut MOST.clone(), &mut runs);
    let status = |run: PathBuf| {
        RunStatus::of(&run).map_err(|error| UnreadableRun {
            error: error.to_string(),
            run,
        })
    };
    Ok(runs.into_iter().map(status).collect())
}

/// Adds the runs in a folder. What is in a run is its own; a link may be a run, and is not followed further.
fn find(folder: &Path, deep: usize, left: &mut usize, runs: &mut Vec<PathBuf>) {
    if deep == 0 || *left == 0 {
        return;
    }
    *left -= 1;
    // A folder that may not be listed holds no run of ours.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if path.join(RECIPE).is_file() {
            runs.push(path);
        } else if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(&path, deep - 1, left, runs);
        }
    }
}
