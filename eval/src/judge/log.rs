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

use super::error::{JudgeError, WithoutJudgment};
use super::question::Question;
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::{Judge, RolloutRecord};
use crate::lines::Lines;
use line::{Key, Known, Line, line, rollout_text, task_text};

/// The log's file.
pub const JUDGMENTS_FILE: &str = "judgments.jsonl";

/// So many first questions without a judgment are enough to know that the judge refuses all.
const FIRST: usize = 5;
/// So many questions in a row at which the judge fails are enough to know that it works no more.
const IN_A_ROW: usize = 3;

/// So many questions in a row without a judgment, though it answered before, are enough to know that it refuses everybody now.
const REFUSED_IN_A_ROW: usize = 10;

/// A judge whose judgments are written down as they come; what is written down already is not asked for again.
///
/// A judgment belongs to the judge's name, the question, all that was shown, and the round: whatever else changes, it
/// stays good, and where any of these changes it is asked anew.
///
/// That a question is refused, or that its answers cannot be read, is written down as well, once the judge has answered
/// another: a judge that refuses everything is an error, and nothing is kept of that. One that answered before and then refuses
/// ten questions in a row is an error as well, and these refusals are kept. Where the judge fails at a question
/// or answers too late, that is not written down: another start asks again.
pub struct Logged<J> {
    judge: J,
    path: PathBuf,
    log: Mutex<Log>,
}

/// What is written, and what was written before.
struct Log {
    file: File,
    known: BTreeMap<Key, Known>,
    /// Whether the judge has ever answered.
    answered: bool,
    /// Refusals that are not written yet, since the judge has not answered yet.
    refusals: Vec<(Key, Known)>,
    /// How many of them say nothing of the question's text.
    unexplained: usize,
    /// At how many questions in a row it has failed.
    failures: usize,
    /// How many questions in a row it has refused.
    refused: usize,
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
            let (key, of_line) = line.take_apart().ok_or_else(|| JudgeError::Log {
                place: format!("{}:{}", path.display(), lines.number()),
                reason: "it has neither `said` nor `unjudged`".to_owned(),
            })?;
            known.insert(key, of_line);
        }
        let end = lines.end();
        file.set_len(end)
            .map_err(|source| FileError::new("cut back", path, source))?;
        let name = judge.name();
        let answered = known
            .iter()
            .any(|(key, known)| key.judge == name && matches!(known, Known::Judged(_)));
        Ok(Self {
            judge,
            path: path.to_owned(),
            log: Mutex::new(Log {
                file,
                known,
                answered,
                refusals: Vec::new(),
                unexplained: 0,
                failures: 0,
                refused: 0,
            }),
        })
    }

    /// The same, but what this judge gave no judgment of is asked for again.
    pub fn asking_again(self) -> Self {
        let name = self.judge.name();
        self.log()
            .known
            .retain(|key, known| key.judge != name || matches!(known, Known::Judged(_)));
        self
    }

    /// Writes the log anew in its final order, which does not depend on what was asked first.
    ///
    /// # Errors
    /// Where the disk refuses, or all that was asked was refused.
    pub fn settle(&self) -> Result<(), JudgeError> {
        let mut log = self.log();
        if !log.answered && (log.unexplained > 0 || log.refusals.len() >= FIRST) {
            return Err(log.refuses_all());
        }
        let refusals = std::mem::take(&mut log.refusals);
        log.known.extend(refusals);
        let Log { file, known, .. } = &mut *log;
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
        if let Some(Known::Unjudged(reason)) = known {
            return Err(JudgeError::Unjudged {
                url: key.judge,
                reason,
                why: WithoutJudgment::Refused,
            });
        }
        if let Some(Known::Judged(Judgment { said, reason })) = known {
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
        let judgment = match ask() {
            Ok(judgment) => judgment,
            Err(error) => return Err(self.without(key, error)?),
        };
        let failed = |source| FileError::new("write the judgments", &self.path, source);
        let said = serde_json::to_value(&judgment.said).map_err(|error| failed(error.into()))?;
        let written = Judgment::new(said, judgment.reason.clone());
        let mut log = self.log();
        (log.failures, log.refused) = (0, 0);
        if !std::mem::replace(&mut log.answered, true) {
            for (key, refusal) in std::mem::take(&mut log.refusals) {
                log.write(key, refusal).map_err(failed)?;
            }
        }
        log.write(key, Known::Judged(written)).map_err(failed)?;
        Ok(judgment)
    }

    /// Keeps that a question has no judgment; the error that is to be told.
    fn without(&self, key: Key, error: JudgeError) -> Result<JudgeError, JudgeError> {
        let JudgeError::Unjudged { url, reason, why } = error else {
            return Err(error);
        };
        let mut log = self.log();
        if why == WithoutJudgment::Failing {
            log.failures += 1;
            if !log.answered || log.failures >= IN_A_ROW {
                return Err(JudgeError::Fails { url, reason });
            }
            return Ok(JudgeError::Unjudged { url, reason, why });
        }
        let refusal = Known::Unjudged(reason.clone());
        if log.answered {
            let failed = |source| FileError::new("write the judgments", &self.path, source);
            log.write(key, refusal).map_err(failed)?;
            log.refused += 1;
            if log.refused >= REFUSED_IN_A_ROW {
                return Err(JudgeError::RefusesNow {
                    url,
                    questions: log.refused,
                    reason,
                });
            }
        } else {
            log.refusals.push((key, refusal));
            log.unexplained += usize::from(why != WithoutJudgment::Filtered);
            if log.unexplained >= FIRST {
                return Err(log.refuses_all());
            }
        }
        Ok(JudgeError::Unjudged { url, reason, why })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A panic elsewhere leaves it whole: nothing here is half done.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn write(&mut self, key: Key, known: Known) -> std::io::Result<()> {
        self.file.write_all(&line(&key, &known)?)?;
        self.known.insert(key, known);
        Ok(())
    }

    /// The error of a judge that has answered nothing.
    fn refuses_all(&self) -> JudgeError {
        let reason = match self.refusals.last() {
            Some((_, Known::Unjudged(reason))) => reason.clone(),
            _ => String::new(),
        };
        JudgeError::RefusesAll {
            questions: self.refusals.len(),
            reason,
        }
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
