//! `judgments.jsonl`: every judgment, so that none is asked for twice.

mod line;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use glpft_agent::Task;
use glpft_checkpoints::{FileError, write_atomically};
use glpft_data::fingerprint;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::error::JudgeError;
use super::question::Question;
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::{Judge, RolloutRecord};
use crate::lines::Lines;
use line::{Key, Line, line, rollout_text, task_text};

/// The log's file.
pub const JUDGMENTS_FILE: &str = "judgments.jsonl";

/// A judge whose judgments are written down as they come; what is written down already is not asked for again.
///
/// A judgment belongs to the judge's name, the question, all that was shown, and the round: whatever else changes, it
/// stays good, and where any of these changes it is asked anew.
pub struct Logged<J> {
    judge: J,
    path: PathBuf,
    log: Mutex<Log>,
}

/// What is written, and what was written before.
struct Log {
    file: File,
    known: BTreeMap<Key, Judgment<Value>>,
}

impl<J: Judge> Logged<J> {
    /// Opens the log at `path`, made where it is missing. A line that was being written when the program died is cut off.
    ///
    /// # Errors
    /// Where it cannot be read or written, or a whole line is no judgment.
    pub fn open(judge: J, path: &Path) -> Result<Self, JudgeError> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = options
            .open(path)
            .map_err(|source| FileError::new("open", path, source))?;
        let mut known = BTreeMap::new();
        let mut lines = Lines::new(path, &mut file);
        while let Some(bytes) = lines.next_whole()? {
            let read: Result<Line, _> = serde_json::from_slice(bytes);
            let line = read.map_err(|error| JudgeError::Log {
                place: format!("{}:{}", path.display(), lines.number()),
                reason: error.to_string(),
            })?;
            let (key, judgment) = line.take_apart();
            known.insert(key, judgment);
        }
        let end = lines.end();
        file.set_len(end)
            .map_err(|source| FileError::new("cut back", path, source))?;
        Ok(Self {
            judge,
            path: path.to_owned(),
            log: Mutex::new(Log { file, known }),
        })
    }

    /// Writes the log anew in its final order, which does not depend on what was asked first.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn settle(&self) -> Result<(), JudgeError> {
        let mut log = self.log();
        let Log { file, known } = &mut *log;
        write_atomically(&self.path, |file| {
            for (key, judgment) in known.iter() {
                file.write_all(&line(key, judgment)?)?;
            }
            Ok(())
        })?;
        let mut options = OpenOptions::new();
        *file = options
            .append(true)
            .open(&self.path)
            .map_err(|source| FileError::new("open", &self.path, source))?;
        Ok(())
    }

    /// The judgment that is known, or that `ask` gives and that is then known.
    fn once<T: Serialize + DeserializeOwned>(
        &self,
        question: Question,
        task: &Task,
        shown: &[&[u8]],
        round: usize,
        ask: impl FnOnce() -> Result<Judgment<T>, JudgeError>,
    ) -> Result<Judgment<T>, JudgeError> {
        let of_task = task_text(task);
        let mut parts = vec![of_task.as_bytes()];
        parts.extend(shown);
        let key = Key {
            judge: self.judge.name(),
            task: task.id.clone(),
            question,
            shown: fingerprint(&parts),
            round,
        };
        let known = self.log().known.get(&key).cloned();
        if let Some(Judgment { said, reason }) = known {
            let said = serde_json::from_value(said).map_err(|error| JudgeError::Log {
                place: format!(
                    "{}: {} of {:?}",
                    self.path.display(),
                    question.name(),
                    task.id
                ),
                reason: error.to_string(),
            })?;
            return Ok(Judgment { said, reason });
        }
        // Others may ask meanwhile.
        let judgment = ask()?;
        let failed = |source| FileError::new("write the judgments", &self.path, source);
        let said = serde_json::to_value(&judgment.said).map_err(|error| failed(error.into()))?;
        let written = Judgment::new(said, judgment.reason.clone());
        let line = line(&key, &written).map_err(failed)?;
        let mut log = self.log();
        log.file.write_all(&line).map_err(failed)?;
        log.known.insert(key, written);
        Ok(judgment)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A panic elsewhere leaves it whole: nothing here is half done.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Judge> Judge for Logged<J> {
    fn name(&self) -> String {
        self.judge.name()
    }

    fn rounds(&self) -> usize {
        self.judge.rounds()
    }

    fn known_solvable(&self, task: &Task) -> Result<Option<bool>, JudgeError> {
        self.judge.known_solvable(task)
    }

    fn check_task_solvable(
        &self,
        task: &Task,
        round: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        self.once(Question::CheckTaskSolvable, task, &[], round, || {
            self.judge.check_task_solvable(task, round)
        })
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        let shown = [answer.as_bytes()];
        self.once(Question::CheckAnswerStatus, task, &shown, round, || {
            self.judge.check_answer_status(task, answer, round)
        })
    }

    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        round: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        let shown = rollout_text(rollout);
        self.once(Question::ParseAnswerStatus, task, &[&shown], round, || {
            self.judge.parse_answer_status(task, rollout, round)
        })
    }

    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        round: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        let [first, second] = rollouts.map(rollout_text);
        let shown = [first.as_slice(), second.as_slice()];
        self.once(Question::SelectBetterAnswer, task, &shown, round, || {
            self.judge.select_better_answer(task, rollouts, round)
        })
    }
}

#[cfg(test)]
mod tests;
