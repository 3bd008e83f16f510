//! What a following rank leaves of itself: how long it computed and waited, and how much memory it holds.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::FileError;
use glpft_train::{Observer, StageStart, StepRecord};
use serde_json::json;

use crate::error::Error;

/// The folder of the ranks' logs in a run's directory.
const FOLDER: &str = "ranks";

/// A log of its own for a rank, `ranks/<rank>.jsonl` of the run: a line for each stage that begins and each step. The run's
/// log has what all ranks came to; this one tells what the rank did for it.
pub(super) struct RankLog {
    file: File,
    path: PathBuf,
    rank: usize,
    stage: &'static str,
    /// A log that cannot be written ends no training: it is told once.
    failed: Option<String>,
}

impl RankLog {
    /// The log of a rank, to be added to.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(run: &Path, rank: usize) -> Result<Self, Error> {
        let folder = run.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| FileError::new("create", &folder, source))?;
        let path = folder.join(format!("{rank}.jsonl"));
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.map_err(|source| FileError::new("open the rank's log", &path, source))?;
        Ok(Self {
            file,
            path,
            rank,
            stage: "",
            failed: None,
        })
    }

    /// Why it could not be written, if it could not.
    pub fn failure(self) -> Option<String> {
        let path = self.path.display().to_string();
        self.failed
            .map(|reason| format!("cannot write {path}: {reason}"))
    }

    fn line(&mut self, value: &serde_json::Value) {
        if self.failed.is_none()
            && let Err(error) = self.file.write_all(format!("{value}\n").as_bytes())
        {
            self.failed = Some(error.to_string());
        }
    }
}

impl Observer for RankLog {
    fn start(&mut self, start: &StageStart) {
        self.stage = start.stage;
        let value = json!({"stage": start.stage, "done": start.done, "total": start.total});
        self.line(&value);
    }

    fn step(&mut self, record: &StepRecord) {
        let computed = record
            .rank_seconds
            .get(self.rank)
            .copied()
            .unwrap_or_default();
        let value = json!({
            "stage": self.stage,
            "step": record.step,
            "computed_seconds": computed,
            "waited_seconds": (record.seconds - computed).max(0.0),
            "memory": record.memory,
        });
        self.line(&value);
    }
}
