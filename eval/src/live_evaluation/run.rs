//! A live evaluation from its first task, or the one that it was interrupted at, to its report.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use glpft_agent::{
    Calls, PathStep, Policy, Rollout, RolloutObserver, RolloutSettings, Task, ToolServer, Watched,
    run_rollouts,
};
use glpft_checkpoints::FileError;
use glpft_data::fingerprint;

use super::error::LiveError;
use super::observer::LiveObserver;
use super::report::{LIVE_FILE, LiveReport};
use super::rollouts::{
    ANSWERS_FOLDER, BatchTime, ROLLOUTS_FILE, Rollouts, VERDICTS_FILE, write_answer,
};
use super::settings::LiveSettings;
use super::tasks::{LiveTask, check_tasks};
use crate::directory::{Leaves, own};
use crate::judge::{JUDGMENTS_FILE, Judge};
use crate::rollout::RolloutRecord;
use crate::static_evaluation::{Manifest, TIMES_FILE};

const LEAVES: Leaves = Leaves {
    files: &[
        LIVE_FILE,
        VERDICTS_FILE,
        JUDGMENTS_FILE,
        ROLLOUTS_FILE,
        TIMES_FILE,
    ],
    folders: &[ANSWERS_FOLDER],
};

/// What win rates are against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The directory of another live evaluation, of the same tasks.
    pub directory: PathBuf,
    /// What reports call it.
    pub name: String,
}

/// A live evaluation.
pub struct LiveEvaluation<'a> {
    /// What is to be done.
    pub tasks: &'a [LiveTask],
    /// How many tasks there are, if these are a part of them; none where that is not known.
    pub whole: Option<usize>,
    /// Who replies to calls.
    pub server: &'a dyn ToolServer,
    /// Who judges.
    pub judge: &'a dyn Judge,
    /// What win rates are against; none without.
    pub reference: Option<&'a Reference>,
    /// How it is done.
    pub settings: &'a LiveSettings,
    /// What decides the rollouts beside tasks and settings, which are added to it: the policy, and the tools' server.
    pub manifest: Manifest,
    /// The directory that it writes to; made where it is missing.
    pub out: &'a Path,
    /// Removes an evaluation that is there already.
    pub overwrite: bool,
    /// Set from outside to end; what is under way is lost, what is written stays.
    pub stop: &'a AtomicBool,
}

impl LiveEvaluation<'_> {
    /// Works on the tasks that are not done yet, judges all of them and writes `live.json`. Where no task is left, `open`
    /// is not called.
    ///
    /// The result does not depend on interruptions: batches are the same tasks whenever the evaluation was started, and a
    /// policy forgets its prefixes between them.
    ///
    /// # Errors
    /// Of `open`; where a policy fails, the judge gives no judgment, the directory holds something else, the disk refuses;
    /// [`LiveError::Interrupted`] where it was told to stop.
    pub fn run<'p, E: From<LiveError>>(
        &self,
        open: &mut dyn FnMut() -> Result<Box<dyn Policy + 'p>, E>,
        observer: &mut dyn LiveObserver,
    ) -> Result<LiveReport, E> {
        check_tasks(self.tasks)?;
        // Before anything is done that a wrong reference would have in vain.
        let references = self.references()?;
        let manifest = self.manifest();
        let _lock = own(self.out, LEAVES, &manifest, self.overwrite).map_err(LiveError::from)?;
        let batches: Vec<&[LiveTask]> = self.tasks.chunks(self.settings.together.max(1)).collect();
        let (mut files, mut done) = Rollouts::open(self.out, TIMES_FILE, &batches)?;
        observer.start(done.len(), self.tasks.len());
        let mut policy = None;
        // `done` is made of whole batches.
        let left = batches.iter().scan(0, |end, batch| {
            *end += batch.len();
            Some((*end, *batch))
        });
        let there = done.len();
        let mut calls = Calls::default();
        done.iter().for_each(|record| calls += &record.calls);
        let server = Watched::going_on(self.server, calls);
        for (_, batch) in left.filter(|(end, _)| *end > there) {
            let first = done.len();
            let mut time = BatchTime {
                tasks: batch.len(),
                ..BatchTime::default()
            };
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.interrupted(first, "worked on").into());
            }
            let policy = match &mut policy {
                Some(policy) => policy,
                None => {
                    observer.load();
                    let started = Instant::now();
                    let opened = policy.insert(open()?);
                    time.loading = started.elapsed().as_secs_f64();
                    opened
                }
            };
            let started = Instant::now();
            let before = policy.server_calls();
            let rollouts = self.work(batch, first, policy.as_mut(), &server, observer);
            let calls = policy.server_calls().since(&before);
            if rollouts.is_err() && !calls.is_empty() {
                // They are counted though nothing comes of them; that they cannot be written is the lesser trouble.
                let _ = files.write_unfinished(calls.clone());
            }
            let rollouts = rollouts?;
            policy.forget();
            // Before anything is written that measures nothing.
            server.check_all().map_err(LiveError::from)?;
            let mut records = Vec::with_capacity(rollouts.len());
            for (rollout, task) in rollouts.iter().zip(batch) {
                records.push(self.keep(rollout, &task.group)?);
            }
            time.model_calls = calls;
            time.rollouts = started.elapsed().as_secs_f64();
            files.write(&records, time)?;
            done.append(&mut records);
        }
        drop(policy);
        let report = self.judge(&done, files.model_calls, &references, manifest, observer)?;
        observer.finish();
        Ok(report)
    }

    /// A batch's rollouts.
    fn work(
        &self,
        batch: &[LiveTask],
        first: usize,
        policy: &mut dyn Policy,
        server: &Watched<'_>,
        observer: &mut dyn LiveObserver,
    ) -> Result<Vec<Rollout>, LiveError> {
        let tasks: Vec<Task> = batch.iter().map(|task| task.task.clone()).collect();
        let settings = RolloutSettings {
            search: self.settings.search.clone(),
            together: batch.len(),
        };
        let mut told = Told {
            batch,
            observer,
            stop: self.stop,
            server,
        };
        let rollouts = run_rollouts(policy, server, &tasks, &settings, &mut told);
        let rollouts = rollouts.map_err(|source| LiveError::Policy {
            first,
            last: first + batch.len() - 1,
            path: self.out.to_owned(),
            total: self.tasks.len(),
            source,
        })?;
        server.check()?;
        match rollouts.len() == batch.len() {
            true => Ok(rollouts),
            false => Err(self.interrupted(first, "worked on")),
        }
    }

    /// Writes a rollout's answer file; the record that tells of it.
    fn keep(&self, rollout: &Rollout, group: &str) -> Result<RolloutRecord, LiveError> {
        let name = rollout.file_name(self.settings.search.strategy);
        let text = rollout.file_text().map_err(|error| {
            let path = self.out.join(&name);
            FileError::new("write", &path, io::Error::from(error))
        })?;
        let file = write_answer(self.out, group, &name, &text)?;
        Ok(RolloutRecord::new(rollout, group, file))
    }

    /// All that decides the rollouts.
    fn manifest(&self) -> Manifest {
        let mut manifest = self.manifest.clone();
        let tasks: Vec<String> = self
            .tasks
            .iter()
            .map(|LiveTask { task, group }| {
                let functions = task.functions.iter();
                let functions: Vec<String> = functions
                    .map(|function| format!("{} {:?}", function.to_json(), function.api))
                    .collect();
                format!("{:?}", (&task.id, group, &task.query, functions))
            })
            .collect();
        let parts: Vec<&[u8]> = tasks.iter().map(|task| task.as_bytes()).collect();
        let decides = &mut manifest.decides;
        decides.extend(self.settings.facts());
        decides.insert("tasks".to_owned(), fingerprint(&parts));
        manifest
    }

    pub(super) fn interrupted(&self, done: usize, what: &'static str) -> LiveError {
        LiveError::Interrupted {
            path: self.out.to_owned(),
            done,
            total: self.tasks.len(),
            what,
        }
    }
}

/// Tells of a batch's rollouts, and stops them.
struct Told<'o> {
    batch: &'o [LiveTask],
    observer: &'o mut dyn LiveObserver,
    stop: &'o AtomicBool,
    server: &'o Watched<'o>,
}

impl RolloutObserver for Told<'_> {
    fn stepped(&mut self, task: usize, step: &PathStep) {
        if let Some(task) = self.batch.get(task) {
            self.observer.step(task, step);
        }
    }

    fn finished(&mut self, task: usize, rollout: &Rollout) -> ControlFlow<()> {
        let group = self.batch.get(task).map_or("", |task| &task.group);
        let record = RolloutRecord::new(rollout, group, String::new());
        self.observer.rollout(&record);
        ControlFlow::Continue(())
    }

    fn round(&mut self) -> ControlFlow<()> {
        match self.stop.load(Ordering::Relaxed) || self.server.check().is_err() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
