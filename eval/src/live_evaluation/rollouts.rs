//! `rollouts.jsonl` on the disk: appended to, and gone on with after an interruption.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_agent::ModelCalls;
use glpft_checkpoints::{FileError, write_atomically};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::LiveError;
use super::tasks::LiveTask;
use crate::lines::Lines;
use crate::rollout::RolloutRecord;
use crate::tool_eval::TaskVerdict;

/// The rollouts' file.
pub const ROLLOUTS_FILE: &str = "rollouts.jsonl";
/// The verdicts' file.
pub const VERDICTS_FILE: &str = "verdicts.jsonl";
/// The folder of answer files.
pub const ANSWERS_FOLDER: &str = "answers";

/// The wall time of a batch: a line of `times.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchTime {
    /// Tasks worked on.
    pub tasks: usize,
    /// Seconds of loading models.
    pub loading: f64,
    /// Seconds of working on the tasks.
    pub rollouts: f64,
    /// Calls of models' servers that were made for them.
    #[serde(default, skip_serializing_if = "ModelCalls::is_empty")]
    pub model_calls: ModelCalls,
    /// Whether the batch ended before its tasks were done: of such a one there are calls and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

/// The files that an evaluation appends to.
pub(super) struct Rollouts {
    path: PathBuf,
    records: File,
    times: (PathBuf, File),
    /// Calls of models' servers that were made so far, those of batches that ended early included.
    pub model_calls: ModelCalls,
}

impl Rollouts {
    /// Opens what an earlier start left in `out`, cut back to the last whole batch, and says what is there.
    pub fn open(
        out: &Path,
        times: &str,
        batches: &[&[LiveTask]],
    ) -> Result<(Self, Vec<RolloutRecord>), LiveError> {
        let path = out.join(ROLLOUTS_FILE);
        let mut records = append(&path)?;
        let (done, bytes) = whole_batches(&path, &mut records, batches)?;
        cut(&records, &path, bytes)?;
        let batch_count = batches
            .iter()
            .scan(0, |sum, batch| {
                *sum += batch.len();
                Some(*sum)
            })
            .take_while(|&end| end <= done.len())
            .count();
        let times_path = out.join(times);
        let mut times = append(&times_path)?;
        let mut lines = Lines::new(&times_path, &mut times);
        let mut model_calls = ModelCalls::default();
        let (mut there, mut end) = (0, 0);
        while let Some(line) = lines.next_whole()? {
            // A line that cannot be read is one of an earlier version; no result hangs on it.
            let time = serde_json::from_slice::<BatchTime>(line).unwrap_or_default();
            there += usize::from(!time.unfinished);
            if there > batch_count {
                break;
            }
            model_calls += &time.model_calls;
            end = lines.end();
        }
        cut(&times, &times_path, end)?;
        let files = Self {
            path,
            records,
            times: (times_path, times),
            model_calls,
        };
        Ok((files, done))
    }

    /// Appends a batch, in one write.
    pub fn write(&mut self, records: &[RolloutRecord], time: BatchTime) -> Result<(), LiveError> {
        let failed = |source| FileError::new("write the rollouts", &self.path, source);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        self.records.write_all(&lines).map_err(failed)?;
        self.records.sync_data().map_err(failed)?;
        self.write_time(&time)
    }

    /// Appends the calls of a batch that ended before its tasks were done.
    pub fn write_unfinished(&mut self, model_calls: ModelCalls) -> Result<(), LiveError> {
        self.write_time(&BatchTime {
            model_calls,
            unfinished: true,
            ..BatchTime::default()
        })
    }

    fn write_time(&mut self, time: &BatchTime) -> Result<(), LiveError> {
        self.model_calls += &time.model_calls;
        let (path, file) = &mut self.times;
        let failed = |source| FileError::new("write", path, source);
        let mut line = serde_json::to_vec(time).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        Ok(file.write_all(&line).map_err(failed)?)
    }
}

fn append(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    options
        .open(path)
        .map_err(|source| FileError::new("open", path, source))
}

fn cut(file: &File, path: &Path, bytes: u64) -> Result<(), FileError> {
    file.set_len(bytes)
        .map_err(|source| FileError::new("cut back", path, source))
}

/// The records of the batches that are whole, and where the last of them ends. Every whole line must be the record that
/// stands there.
fn whole_batches(
    path: &Path,
    file: &mut File,
    batches: &[&[LiveTask]],
) -> Result<(Vec<RolloutRecord>, u64), LiveError> {
    let damaged = |line: usize, reason: String| LiveError::Damaged {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut lines = Lines::new(path, file);
    let (mut done, mut end) = (Vec::new(), 0);
    for batch in batches {
        let mut of_batch = Vec::with_capacity(batch.len());
        for LiveTask { task, group } in batch.iter() {
            let Some(line) = lines.next_whole()? else {
                return Ok((done, end));
            };
            let record: RolloutRecord = serde_json::from_slice(line)
                .map_err(|error| damaged(lines.number(), error.to_string()))?;
            if (&record.task, &record.group, &record.query) != (&task.id, group, &task.query) {
                let reason = format!(
                    "it is task {:?} of {}, and task {:?} of {group} was next",
                    record.task, record.group, task.id
                );
                return Err(damaged(lines.number(), reason));
            }
            of_batch.push(record);
        }
        done.append(&mut of_batch);
        end = lines.end();
    }
    match lines.next_whole()? {
        Some(_) => Err(damaged(lines.number(), "no task was left".to_owned())),
        None => Ok((done, end)),
    }
}

/// The rollouts of an evaluation's directory, as far as they are whole.
///
/// # Errors
/// Where the file cannot be read, or a whole line is no rollout.
pub fn read_rollouts(directory: &Path) -> Result<Vec<RolloutRecord>, LiveError> {
    read(&directory.join(ROLLOUTS_FILE))
}

/// The verdicts of an evaluation's directory.
///
/// # Errors
/// As for [`read_rollouts`].
pub fn read_verdicts(directory: &Path) -> Result<Vec<TaskVerdict>, LiveError> {
    read(&directory.join(VERDICTS_FILE))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, LiveError> {
    let mut file = File::open(path).map_err(|source| FileError::new("read", path, source))?;
    let mut lines = Lines::new(path, &mut file);
    let mut all = Vec::new();
    while let Some(line) = lines.next_whole()? {
        let record = serde_json::from_slice(line);
        all.push(record.map_err(|error| LiveError::Damaged {
            path: path.to_owned(),
            line: lines.number(),
            reason: error.to_string(),
        })?);
    }
    Ok(all)
}

/// Writes all verdicts.
pub(super) fn write_verdicts(out: &Path, verdicts: &[TaskVerdict]) -> Result<(), LiveError> {
    Ok(write_atomically(&out.join(VERDICTS_FILE), |file| {
        for verdict in verdicts {
            serde_json::to_writer(&mut *file, verdict)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })?)
}

/// Writes a rollout's answer file; its path from `out`.
pub(super) fn write_answer(
    out: &Path,
    group: &str,
    name: &str,
    text: &[u8],
) -> Result<String, LiveError> {
    let folder = out.join(ANSWERS_FOLDER).join(group);
    fs::create_dir_all(&folder)
        .map_err(|source| FileError::new("create the folder", &folder, source))?;
    write_atomically(&folder.join(name), |file| file.write_all(text))?;
    Ok(format!("{ANSWERS_FOLDER}/{group}/{name}"))
}
