//! What a stage tells while it runs.

use std::path::Path;

use crate::log::{StepRecord, ValidationRecord};

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
    /// The checkpoint that it goes on from.
    pub resumed: Option<String>,
}

/// Is told how a stage goes; every method does nothing by default.
pub trait Observer {
    /// The stage begins.
    fn start(&mut self, start: &StageStart) {
        let _ = start;
    }

    /// A step is done.
    fn step(&mut self, record: &StepRecord) {
        let _ = record;
    }

    /// A validation is done.
    fn validation(&mut self, record: &ValidationRecord) {
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
