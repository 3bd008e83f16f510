//! `predictions.jsonl` on the disk: appended to, and gone on with after an interruption.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::FileError;

use super::error::StaticError;
use super::record::StepRecord;
use super::steps::TrajectorySteps;
use super::times::{TIMES_FILE, Times};
use crate::lines::Lines;

/// The records' file.
pub const PREDICTIONS_FILE: &str = "predictions.jsonl";

/// The files that an evaluation appends to.
pub(crate) struct Predictions {
    path: PathBuf,
    records: File,
    times: File,
}

impl Predictions {
    /// Opens what an earlier start left in `out`, cut back to the last whole batch: the next one then is answered
    /// together with the same trajectories as without the interruption. Says how many batches are there.
    pub fn open(
        out: &Path,
        batches: &[&[TrajectorySteps<'_>]],
    ) -> Result<(Self, usize), StaticError> {
        let path = out.join(PREDICTIONS_FILE);
        let mut records = open(&path)?;
        let (done, bytes) = whole_batches(&path, &mut records, batches)?;
        let times_path = out.join(TIMES_FILE);
        let mut times = open(&times_path)?;
        let kept = whole_lines(&times_path, &mut times, done)?;
        for (file, path, bytes) in [(&records, &path, bytes), (&times, &times_path, kept)] {
            let cut = file.set_len(bytes);
            cut.map_err(|source| FileError::new("cut back", path, source))?;
        }
        let predictions = Self {
            path,
            records,
            times,
        };
        Ok((predictions, done))
    }

    /// Appends a trajectory's records, in one write.
    pub fn write(&mut self, records: &[StepRecord]) -> Result<(), StaticError> {
        let failed = |source| FileError::new("write the predictions", &self.path, source);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        Ok(self.records.write_all(&lines).map_err(failed)?)
    }

    /// Ends a batch: what was written is on the disk, its times beside it.
    pub fn end_batch(&mut self, times: &Times) -> Result<(), StaticError> {
        self.times(times)?;
        let failed = |source| FileError::new("write the predictions", &self.path, source);
        Ok(self.records.sync_data().map_err(failed)?)
    }

    /// Appends a batch's times.
    pub fn times(&mut self, times: &Times) -> Result<(), StaticError> {
        let failed = |source| FileError::new("write the predictions", &self.path, source);
        let mut line = serde_json::to_vec(times).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        Ok(self.times.write_all(&line).map_err(failed)?)
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    options
        .open(path)
        .map_err(|source| FileError::new("open", path, source))
}

/// How many batches are whole, and where the last of them ends. Every whole line must be the record that stands there.
fn whole_batches(
    path: &Path,
    file: &mut File,
    batches: &[&[TrajectorySteps<'_>]],
) -> Result<(usize, u64), StaticError> {
    let damaged = |line: usize, reason: String| StaticError::Damaged {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut lines = Lines::new(path, file);
    let mut end = 0;
    for (done, batch) in batches.iter().enumerate() {
        let steps = batch.iter().flat_map(|trajectory| {
            let steps = trajectory.steps.iter();
            steps.map(|step| (trajectory.index, step))
        });
        for (trajectory, step) in steps {
            let Some(line) = lines.next_whole()? else {
                return Ok((done, end));
            };
            let record: StepRecord = serde_json::from_slice(line)
                .map_err(|error| damaged(lines.number(), error.to_string()))?;
            let found = (record.trajectory, record.turn);
            if found != (trajectory, step.turn) || record.reference != step.reference {
                let reason = format!(
                    "it is trajectory {}, turn {}, and trajectory {trajectory}, turn {} was next",
                    found.0, found.1, step.turn
                );
                return Err(damaged(lines.number(), reason));
            }
        }
        end = lines.end();
    }
    match lines.next_whole()? {
        Some(_) => Err(damaged(lines.number(), "no step was left".to_owned())),
        None => Ok((batches.len(), end)),
    }
}

/// Where the lines of the first `count` batches end, or those that there are; what batches that ended early have left stands
/// between and behind them.
fn whole_lines(path: &Path, file: &mut File, count: usize) -> Result<u64, StaticError> {
    let mut lines = Lines::new(path, file);
    let (mut batches, mut end) = (0, 0);
    while let Some(line) = lines.next_whole()? {
        let times: Option<Times> = serde_json::from_slice(line).ok();
        if !times.is_some_and(|times| times.unfinished) {
            batches += 1;
        }
        if batches > count {
            break;
        }
        end = lines.end();
    }
    Ok(end)
}
