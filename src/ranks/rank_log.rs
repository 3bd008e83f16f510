//! What a following rank leaves of itself: how long it computed and waited, and how much memory it holds.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_train::{Observer, StageStart, StepRecord};
use serde_json::json;

use crate::place::LOGS_FOLDER;

/// A log of its own for a rank, `logs/rank-<rank>.jsonl` of the run: a line for each stage that begins and each step. The run's
/// log has what all ranks came to; this one tells what the rank did for it.
pub(super) struct RankLog {
    file: Option<File>,
    path: PathBuf,
    rank: usize,
    stage: &'static str,
    /// A log that cannot be written ends no training: it is told once.
    failed: Option<String>,
}

impl RankLog {
    /// The log of a rank, to be added to.
    pub fn open(run: &Path, rank: usize) -> Self {
        let folder = run.join(LOGS_FOLDER);
        let path = folder.join(format!("rank-{rank}.jsonl"));
        let opened = fs::create_dir_all(&folder)
            .and_then(|()| OpenOptions::new().append(true).create(true).open(&path));
        let (file, failed) = match opened {
            Ok(file) => (Some(file), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            file,
            path,
            rank,
            stage: "",
            failed,
        }
    }

    /// Why it could not be written, if it could not.
    pub fn failure(self) -> Option<String> {
        let path = self.path.display().to_string();
        self.failed
            .map(|reason| format!("cannot write {path}: {reason}"))
    }

    fn line(&mut self, value: &serde_json::Value) {
        if self.failed.is_none()
            && let Some(file) = &mut self.file
            && let Err(error) = file.write_all(format!("{value}\n").as_bytes())
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
