//! The checkpoints of a stage: `checkpoint-<step>/` directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{StateError, TRAINER_STATE_FILE, TrainerState};
use crate::{FileError, create_directory_atomically, remove_directory_atomically};

/// A whole `checkpoint-<step>/`: weights or adapter, optimizer, `trainer_state.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Optimizer steps done.
    pub step: u64,
    /// The directory.
    pub path: PathBuf,
}

impl Checkpoint {
    /// Reads the trainer's state.
    pub fn state(&self) -> Result<TrainerState, StateError> {
        TrainerState::read(&self.path)
    }
}

/// Writes `checkpoint-<state.step>/` in the stage's directory, whole or not at all: `fill`
/// puts weights and optimizer into the empty folder that it gets, the state follows. A
/// checkpoint of the same step is replaced.
pub fn write_checkpoint<E: From<StateError> + From<FileError>>(
    stage: &Path,
    state: &TrainerState,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Checkpoint, E> {
    let checkpoint = checkpoint_of(stage, state.step);
    create_directory_atomically(&checkpoint.path, |directory| {
        fill(directory)?;
        Ok::<_, E>(state.write(directory)?)
    })?;
    Ok(checkpoint)
}

/// The checkpoint that a stage has, or will have, of a step.
pub fn checkpoint_of(stage: &Path, step: u64) -> Checkpoint {
    let path = stage.join(format!("{PREFIX}{step}"));
    Checkpoint { step, path }
}

/// The whole checkpoints of a stage, by rising step; none if the stage has no directory yet.
pub fn list_checkpoints(stage: &Path) -> Result<Vec<Checkpoint>, FileError> {
    let failed = |source| FileError::new("list the checkpoints in", stage, source);
    let entries = match fs::read_dir(stage) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut checkpoints = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // The state is written last, so a directory copied only in part lacks it.
        if let Some(step) = entry.file_name().to_str().and_then(step_of)
            && path.join(TRAINER_STATE_FILE).is_file()
        {
            checkpoints.push(Checkpoint { step, path });
        }
    }
    checkpoints.sort_by_key(|checkpoint| checkpoint.step);
    Ok(checkpoints)
}

/// The whole checkpoint of a stage with the highest step.
pub fn latest_checkpoint(stage: &Path) -> Result<Option<Checkpoint>, FileError> {
    Ok(list_checkpoints(stage)?.pop())
}

/// Removes all checkpoints of a stage but the last `keep` (at least one) and the one of step
/// `best`. Call it when a new one is written: what it removes is then no longer the last.
/// Returns what it removed.
pub fn prune_checkpoints(
    stage: &Path,
    keep: usize,
    best: Option<u64>,
) -> Result<Vec<Checkpoint>, FileError> {
    let mut old = list_checkpoints(stage)?;
    old.truncate(old.len().saturating_sub(keep.max(1)));
    old.retain(|checkpoint| Some(checkpoint.step) != best);
    for checkpoint in &old {
        remove_directory_atomically(&checkpoint.path)?;
    }
    Ok(old)
}

const PREFIX: &str = "checkpoint-";

/// The step in a checkpoint's name, written as it is here: no sign, no leading zero.
fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?;
    let step = digits.parse::<u64>().ok()?;
    (step.to_string() == digits).then_some(step)
}
