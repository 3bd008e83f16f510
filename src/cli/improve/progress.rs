//! How rounds go, for people and for programs.

use glpft::improve::{ImproveObserver, RoundReport};
use glpft::prepare::PrepareProgress;
use glpft_eval::live_evaluation::LiveObserver;
use glpft_recipes::counted;
use glpft_train::Observer;
use serde_json::{Value, json};

use super::super::eval::LiveProgress;
use super::super::progress::TrainProgress;
use super::super::{OutputArgs, PrepareBar, complain, print};

/// Tells what begins and what came of it, and of its parts what their own commands tell.
pub(super) struct ImproveProgress<'o> {
    output: &'o OutputArgs,
    preparing: Option<PrepareBar>,
    training: TrainProgress,
    live: LiveProgress,
}

impl<'o> ImproveProgress<'o> {
    /// Nothing to be seen yet.
    pub(super) fn new(output: &'o OutputArgs) -> Self {
        Self {
            output,
            preparing: None,
            training: TrainProgress::new(output),
            live: LiveProgress::new(output),
        }
    }

    fn tell(&self, event: &str, mut value: Value, line: &str) {
        if self.output.json {
            if let Some(object) = value.as_object_mut() {
                object.insert("event".to_owned(), event.into());
            }
            // A closed pipe does not end the rounds.
            let _ = print(&format!("{value}\n"));
        } else if !self.output.quiet {
            complain(line);
        }
    }
}

/// A round by its number.
fn name(round: usize) -> String {
    match round {
        0 => "the run itself".to_owned(),
        round => format!("round {round}"),
    }
}

impl ImproveObserver for ImproveProgress<'_> {
    fn round(&mut self, round: usize, of: usize, start: usize) {
        self.tell(
            "round",
            json!({"round": round, "of": of, "start": start}),
            &format!("round {round}/{of}: played by {}", name(start)),
        );
        self.training = TrainProgress::new(self.output);
    }

    fn sampling(&mut self, tasks: usize, samples: usize) -> &mut dyn LiveObserver {
        self.tell(
            "sampling",
            json!({"tasks": tasks, "samples": samples}),
            &format!(
                "{}, {} each",
                counted(tasks, "training task", "training tasks"),
                counted(samples, "rollout", "rollouts")
            ),
        );
        self.live = LiveProgress::new(self.output);
        &mut self.live
    }

    fn kept(&mut self, round: &RoundReport) {
        let Some(kept) = &round.kept else { return };
        self.tell(
            "kept",
            json!({"round": round.round, "kept": kept}),
            &format!(
                "{} of {} passed; kept: {} of {}, {} of them new",
                kept.passed,
                counted(kept.rollouts, "rollout", "rollouts"),
                counted(kept.trajectories, "trajectory", "trajectories"),
                counted(kept.tasks, "task", "tasks"),
                kept.new
            ),
        );
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

    fn measuring(&mut self, round: usize, tasks: usize) -> &mut dyn LiveObserver {
        self.tell(
            "measuring",
            json!({"round": round, "tasks": tasks}),
            &format!("{}: {tasks} held-out tasks", name(round)),
        );
        self.live = LiveProgress::new(self.output);
        &mut self.live
    }

    fn measured(&mut self, round: &RoundReport) {
        let rate = |rate: Option<glpft_eval::tool_eval::Rate>| {
            rate.map_or("-".to_owned(), |rate| format!("{:.1} %", 100.0 * rate.rate))
        };
        let Some(held_out) = &round.held_out else {
            return;
        };
        self.tell(
            "measured",
            json!({"round": round}),
            &format!(
                "{}: pass rate {}, solvable {}",
                name(round.round),
                rate(held_out.pass_rate),
                rate(held_out.solvable_pass_rate)
            ),
        );
    }
}
