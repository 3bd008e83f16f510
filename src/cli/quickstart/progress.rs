//! How a quick start goes on, for people and for programs.

use glpft::prepare::PrepareProgress;
use glpft::quickstart::{Contestant, QuickstartObserver};
use glpft_eval::live_evaluation::LiveObserver;
use glpft_eval::static_evaluation::StaticObserver;
use glpft_train::Observer;
use serde_json::json;

use super::super::eval::{LiveProgress, StaticProgress};
use super::super::progress::TrainProgress;
use super::super::{OutputArgs, PrepareBar, complain, print};

/// Tells what begins, and of its parts what their own commands tell.
pub(super) struct QuickstartProgress<'o> {
    output: &'o OutputArgs,
    preparing: Option<PrepareBar>,
    training: TrainProgress,
    of_steps: StaticProgress,
    live: LiveProgress,
}

impl<'o> QuickstartProgress<'o> {
    /// Nothing to be seen yet.
    pub(super) fn new(output: &'o OutputArgs) -> Self {
        Self {
            output,
            preparing: None,
            training: TrainProgress::new(output),
            of_steps: StaticProgress::new(output),
            live: LiveProgress::new(output),
        }
    }

    fn tell(&self, event: &str, what: &str, line: &str) {
        if self.output.json {
            // A closed pipe does not end a quick start.
            let _ = print(&format!("{}\n", json!({"event": event, "what": what})));
        } else if !self.output.quiet {
            complain(line);
        }
    }
}

impl QuickstartObserver for QuickstartProgress<'_> {
    fn world(&mut self) {
        self.tell(
            "world",
            "",
            "a world of tools, its tasks and their trajectories",
        );
    }

    fn contestant(&mut self, contestant: Contestant) {
        let line = format!("{}: {}", contestant.title(), contestant.meaning());
        self.tell("contestant", contestant.name(), &line);
    }

    fn preparing(&mut self, progress: Option<PrepareProgress>) {
        match progress {
            None => self.preparing = None,
            Some(progress) => self
                .preparing
                .get_or_insert_with(|| PrepareBar::new(self.output))
                .show(progress),
        }
    }

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.training
    }

    fn static_evaluation(&mut self) -> &mut dyn StaticObserver {
        self.tell(
            "static",
            "",
            "every step of the held-out tasks, after its own history",
        );
        self.of_steps = StaticProgress::new(self.output);
        &mut self.of_steps
    }

    fn live_evaluation(&mut self, strategy: &str) -> &mut dyn LiveObserver {
        let line = format!("held-out tasks, worked on with the world's tools: {strategy}");
        self.tell("live", strategy, &line);
        self.live = LiveProgress::new(self.output);
        &mut self.live
    }
}
