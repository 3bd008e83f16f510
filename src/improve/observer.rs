//! Who is told how rounds go.

use glpft_eval::live_evaluation::LiveObserver;
use glpft_train::Observer;

use super::report::RoundReport;
use crate::prepare::PrepareProgress;

/// Is told how rounds go.
pub trait ImproveObserver {
    /// A round's turn comes, of so many; the models of the round `start` play the training tasks (0: the run's own).
    fn round(&mut self, round: usize, of: usize, start: usize);
    /// Hears of its rollouts of so many training tasks.
    fn sampling(&mut self, tasks: usize, samples: usize) -> &mut dyn LiveObserver;
    /// What these came to.
    fn kept(&mut self, round: &RoundReport);
    /// Its data are prepared; none: they are.
    fn preparing(&mut self, progress: Option<PrepareProgress>);
    /// Hears of its training.
    fn training(&mut self) -> &mut dyn Observer;
    /// Hears of its work on so many held-out tasks.
    fn measuring(&mut self, round: usize, tasks: usize) -> &mut dyn LiveObserver;
    /// It is done.
    fn measured(&mut self, round: &RoundReport);
}
