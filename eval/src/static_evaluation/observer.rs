//! Who is told how an evaluation goes.

use super::record::StepRecord;

/// Is told how a static evaluation goes; every method does nothing by default.
pub trait StaticObserver {
    /// `total` steps are to be answered, of which an earlier start has answered `done`.
    fn start(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// The models are about to be loaded: there are steps left to answer.
    fn load(&mut self) {}

    /// A trajectory is answered and its steps are written.
    fn trajectory(&mut self, steps: &[StepRecord]) {
        let _ = steps;
    }

    /// Every step is answered.
    fn finish(&mut self) {}
}

/// Tells nobody.
impl StaticObserver for () {}
