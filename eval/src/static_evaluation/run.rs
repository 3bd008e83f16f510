//! An evaluation from its first step, or the one that it was interrupted at, to its report.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use glpft_checkpoints::write_json;
use glpft_data::{Conversation, Prompts, fingerprint};

use super::batch::Batch;
use super::contestant::Contestant;
use super::error::StaticError;
use super::observer::StaticObserver;
use super::predictions::{PREDICTIONS_FILE, Predictions};
use super::report::{METRICS_FILE, StaticReport};
use super::scoring::report;
use super::settings::{Answerer, StaticSettings};
use super::steps::{TrajectorySteps, steps};
use super::times::{TIMES_FILE, Times};
use crate::directory::{Leaves, own};
use crate::manifest::Manifest;

/// Everything that an evaluation leaves, beside the manifest.
const LEAVES: Leaves = Leaves {
    files: &[METRICS_FILE, PREDICTIONS_FILE, TIMES_FILE],
    folders: &[],
};

/// A static evaluation.
#[derive(Debug)]
pub struct StaticEvaluation<'a> {
    /// The held-out conversations.
    pub conversations: &'a [Conversation],
    /// Records of the data that could not be read; only told.
    pub bad_records: usize,
    /// The templates that the models learned with.
    pub prompts: &'a Prompts,
    /// Who answers.
    pub answerer: Answerer,
    /// How.
    pub settings: &'a StaticSettings,
    /// What decides the result beside data, templates and settings, which are added to it: the models.
    pub manifest: Manifest,
    /// The directory that it writes to; made where it is missing.
    pub out: &'a Path,
    /// Removes an evaluation that is there already.
    pub overwrite: bool,
    /// Set from outside to end after the batch under way.
    pub stop: &'a AtomicBool,
}

impl StaticEvaluation<'_> {
    /// Answers what is not answered yet, scores all of it and writes `metrics.json`. Where nothing is left to answer,
    /// `open` is not called.
    ///
    /// The result does not depend on interruptions: batches are the same trajectories whenever the evaluation was
    /// started, and models forget their prefixes between them.
    ///
    /// # Errors
    /// Of `open`; where a model does not answer, the directory holds something else, the disk refuses;
    /// [`StaticError::Interrupted`] where it was told to stop.
    pub fn run<'g, E: From<StaticError>>(
        &self,
        open: &mut dyn FnMut() -> Result<Contestant<'g>, E>,
        observer: &mut dyn StaticObserver,
    ) -> Result<StaticReport, E> {
        let (trajectories, counts) = steps(self.conversations, self.bad_records, self.settings);
        if trajectories.is_empty() {
            return Err(StaticError::NoSteps.into());
        }
        let batches: Vec<&[TrajectorySteps<'_>]> =
            trajectories.chunks(self.settings.batch.max(1)).collect();
        let manifest = self.manifest();
        let _lock = own(self.out, LEAVES, &manifest, self.overwrite).map_err(StaticError::from)?;
        let (mut predictions, mut batch) = Predictions::open(self.out, &batches)?;
        let steps_of = |batches: &[&[TrajectorySteps<'_>]]| -> usize {
            let all = batches.iter().flat_map(|batch| batch.iter());
            all.map(|trajectory| trajectory.steps.len()).sum()
        };
        observer.start(steps_of(&batches[..batch]), counts.steps);
        let mut contestant = None;
        while let Some(trajectories) = batches.get(batch) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(StaticError::Interrupted {
                    path: self.out.to_owned(),
                    done: steps_of(&batches[..batch]),
                    total: counts.steps,
                }
                .into());
            }
            let mut loading = 0.0;
            let contestant = match &mut contestant {
                Some(contestant) => contestant,
                None => {
                    observer.load();
                    let started = Instant::now();
                    let opened = contestant.insert(open()?);
                    loading = started.elapsed().as_secs_f64();
                    opened
                }
            };
            let before = contestant.server_calls();
            let answered = Batch::answer(
                trajectories,
                self.prompts,
                self.answerer,
                self.settings,
                contestant,
            );
            let calls = contestant.server_calls().since(&before);
            if answered.is_err() && !calls.is_empty() {
                // They are counted though nothing comes of them; that they cannot be written is the lesser trouble.
                let _ = predictions.times(&Times::unfinished(calls.clone()));
            }
            let (records, mut times) = answered.map_err(|source| match source {
                StaticError::Generate { .. } => StaticError::Ended {
                    path: self.out.to_owned(),
                    done: steps_of(&batches[..batch]),
                    total: counts.steps,
                    source: Box::new(source),
                },
                other => other,
            })?;
            contestant.forget();
            let started = Instant::now();
            for records in &records {
                predictions.write(records)?;
            }
            times.model_calls = calls;
            times.loading = loading;
            times.writing = started.elapsed().as_secs_f64();
            predictions.end_batch(&times)?;
            for records in &records {
                observer.trajectory(records);
            }
            batch += 1;
        }
        observer.finish();
        let report = report(self.out, self.settings, counts, manifest)?;
        write_json(&self.out.join(METRICS_FILE), &report).map_err(StaticError::from)?;
        Ok(report)
    }

    /// All that decides the result.
    fn manifest(&self) -> Manifest {
        let mut manifest = self.manifest.clone();
        let decides = &mut manifest.decides;
        decides.extend(self.settings.facts());
        let conversations: Vec<Vec<u8>> = self
            .conversations
            .iter()
            .map(|conversation| serde_json::to_vec(conversation).unwrap_or_default())
            .collect();
        let parts: Vec<&[u8]> = conversations.iter().map(Vec::as_slice).collect();
        decides.insert("data".to_owned(), fingerprint(&parts));
        let prompts = format!("{:?}", self.prompts);
        decides.insert("prompts".to_owned(), fingerprint(&[prompts.as_bytes()]));
        decides.insert("answerer".to_owned(), self.answerer.name().to_owned());
        manifest
    }
}
