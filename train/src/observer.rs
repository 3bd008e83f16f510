//! What a stage tells while it runs.

use std::path::Path;

use crate::log::{EventRecord, StepRecord, ValidationRecord};

/// A stage about to run.
#[derive(Clone, Debug)]
pub struct StageStart {
    /// The stage's name.
    pub stage: &'static str,
    /// The steps already done by an earlier start.
    pub done: usize,
    /// The steps in all.
    pub total: usize,
    /// Whether each step goes back through the layers twice: once for the norm that clipping needs, once to update.
    pub goes_back_twice: bool,
    /// How it goes on from a checkpoint, if it does.
    pub resumed: Option<Resumed>,
}

/// How a stage goes on.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The checkpoint that it goes on from.
    pub path: String,
    /// What is different from when that was made, a sentence each: threads, the number of steps, and with
    /// [`StageRun::resume_anyway`](crate::StageRun::resume_anyway) recipe and data.
    pub changes: Vec<String>,
}

/// Is told how a stage goes; every method does nothing by default.
pub trait Observer {
    /// The stage begins.
    fn start(&mut self, start: &StageStart) {
        let _ = start;
    }

    /// What follows is of that stage, of several that train together and have begun.
    fn turn_to(&mut self, stage: &'static str) {
        let _ = stage;
    }

    /// A step is done.
    fn step(&mut self, record: &StepRecord) {
        let _ = record;
    }

    /// A validation begins.
    fn validating(&mut self) {}

    /// A validation is done.
    fn validation(&mut self, record: &ValidationRecord) {
        let _ = record;
    }

    /// Something happened to a step that does not happen to every one.
    fn event(&mut self, record: &EventRecord) {
        let _ = record;
    }

    /// A checkpoint is written.
    fn checkpoint(&mut self, path: &Path) {
        let _ = path;
    }

    /// The stage is over, or interrupted.
    fn finish(&mut self) {}
}

/// Tells nobody.
impl Observer for () {}
