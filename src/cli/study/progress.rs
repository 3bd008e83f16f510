//! How a study goes on, for people and for programs.

use glpft::prepare::PrepareProgress;
use glpft::study::{Cell, CellScore, SharedStage, StudyMetric, StudyObserver};
use glpft_checkpoints::Holder;
use glpft_recipes::counted;
use glpft_train::Observer;
use serde_json::json;

use super::super::progress::TrainProgress;
use super::super::{OutputArgs, PrepareBar, complain, print};

/// Tells a line for each cell, and of its training what `glpft run` tells.
pub(super) struct StudyProgress<'o> {
    output: &'o OutputArgs,
    training: TrainProgress,
    preparing: Option<PrepareBar>,
    /// What was told last of other processes.
    waiting: String,
}

impl<'o> StudyProgress<'o> {
    /// Nothing to be seen yet.
    pub(super) fn new(output: &'o OutputArgs) -> Self {
        Self {
            output,
            training: TrainProgress::new(output),
            preparing: None,
            waiting: String::new(),
        }
    }

    fn tell(&self, event: &str, mut value: serde_json::Value, line: &str) {
        if self.output.json {
            if let Some(object) = value.as_object_mut() {
                object.insert("event".to_owned(), event.into());
            }
            // A closed pipe does not end a study.
            let _ = print(&format!("{value}\n"));
        } else if !self.output.quiet {
            complain(line);
        }
    }
}

impl StudyObserver for StudyProgress<'_> {
    fn cell(&mut self, number: usize, of: usize, cell: &Cell, untrained: usize) {
        let left = match untrained {
            0 => "trained".to_owned(),
            left => format!("{} to train", counted(left, "stage", "stages")),
        };
        self.tell(
            "cell",
            json!({"cell": cell.directory, "number": number, "of": of, "untrained": untrained}),
            &format!("cell {number}/{of}: {}: {left}", cell.title()),
        );
    }

    fn shared(&mut self, shared: &SharedStage) {
        let SharedStage { stage, from } = shared;
        self.tell(
            "shared",
            json!({"stage": stage, "from": from}),
            &format!("{stage}: that of {from}"),
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

    fn waiting(&mut self, what: &str, holder: &Holder) {
        let now = format!("waits for {what}: {holder} is at work on it");
        if now != self.waiting {
            let value = json!({"for": what, "holder": holder.to_string()});
            self.tell("waiting", value, &now);
            self.waiting = now;
        }
    }

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.training
    }

    fn scored(&mut self, cell: &Cell, score: &CellScore, earlier: bool) {
        let metrics = StudyMetric::ALL.into_iter().filter_map(|metric| {
            let value = metric.of(&score.metrics)?;
            Some(format!("{} {:.2}", metric.title(), 100.0 * value))
        });
        let mut metrics: Vec<String> = metrics.collect();
        metrics.extend(score.played.iter().map(|played| {
            let (passed, tasks) = (played.count_passed(), played.tasks());
            format!(
                "{passed} of {} passed, {}",
                counted(tasks, "task", "tasks"),
                played.strategy
            )
        }));
        let when = if earlier { ", measured before" } else { "" };
        self.tell(
            "scored",
            json!({"cell": cell.directory, "earlier": earlier, "score": score}),
            &format!(
                "{}{when}: {}",
                counted(score.steps, "step", "steps"),
                metrics.join(", ")
            ),
        );
    }

    fn left_out(&mut self, cell: &Cell, why: &str) {
        self.tell(
            "left out",
            json!({"cell": cell.directory, "why": why}),
            &format!("left out: {why}"),
        );
    }
}
