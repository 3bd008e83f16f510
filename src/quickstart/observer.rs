//! Who is told how a quick start goes.

use glpft_eval::live_evaluation::LiveObserver;
use glpft_eval::static_evaluation::StaticObserver;
use glpft_train::Observer;

use super::contestant::Contestant;
use crate::prepare::PrepareProgress;

/// Is told how a quick start goes.
pub trait QuickstartObserver {
    /// The world is made.
    fn world(&mut self);
    /// A contestant's turn comes.
    fn contestant(&mut self, contestant: Contestant);
    /// Its data are prepared; none: they are.
    fn preparing(&mut self, progress: Option<PrepareProgress>);
    /// Hears of its training.
    fn training(&mut self) -> &mut dyn Observer;
    /// Hears of its evaluation step by step.
    fn static_evaluation(&mut self) -> &mut dyn StaticObserver;
    /// Hears of its work with tools, by the named strategy.
    fn live_evaluation(&mut self, strategy: &str) -> &mut dyn LiveObserver;
}
