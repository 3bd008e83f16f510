//! How an evaluation goes on, for people and for programs.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use glpft_eval::static_evaluation::{StaticObserver, StepRecord};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::{OutputArgs, complain, print};

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Tells how a static evaluation goes: a bar, plain lines where there is no terminal, or JSON lines on stdout.
pub(crate) struct StaticProgress {
    quiet: bool,
    json: bool,
    terminal: bool,
    done: usize,
    total: usize,
    right: usize,
    told: Option<Instant>,
    bar: ProgressBar,
}

impl StaticProgress {
    /// Nothing to be seen yet.
    pub(crate) fn new(output: &OutputArgs) -> Self {
        Self {
            quiet: output.quiet,
            json: output.json,
            terminal: std::io::stderr().is_terminal(),
            done: 0,
            total: 0,
            right: 0,
            told: None,
            bar: ProgressBar::hidden(),
        }
    }

    fn line(&self, line: &str) {
        if self.quiet || self.json {
            return;
        }
        match self.terminal {
            true => self.bar.suspend(|| complain(line)),
            false => complain(line),
        }
    }

    fn object(&self, value: &serde_json::Value) {
        if self.json {
            // A closed pipe does not end an evaluation.
            let _ = print(&format!("{value}\n"));
        }
    }
}

impl StaticObserver for StaticProgress {
    fn start(&mut self, done: usize, total: usize) {
        (self.done, self.total) = (done, total);
        self.object(&json!({"event": "start", "done": done, "total": total}));
        if done > 0 && done < total {
            self.line(&format!("goes on after {done} of {total} steps"));
        }
        if self.terminal && !self.quiet && !self.json {
            self.bar = ProgressBar::new(total as u64).with_position(done as u64);
            // The template is constant; were it wrong, the bar would look plainer.
            if let Ok(style) =
                ProgressStyle::with_template("steps {wide_bar} {pos}/{len} {msg} eta {eta}")
            {
                self.bar.set_style(style);
            }
            self.bar.reset_eta();
        }
    }

    fn load(&mut self) {
        self.object(&json!({"event": "load"}));
        self.bar.set_message("loading models");
    }

    fn trajectory(&mut self, steps: &[StepRecord]) {
        self.done += steps.len();
        self.right += steps.iter().filter(|step| step.outcome.is_right()).count();
        if let Some(first) = steps.first() {
            self.object(&json!({
                "event": "trajectory",
                "trajectory": first.trajectory,
                "done": self.done,
                "total": self.total,
            }));
        }
        self.bar.set_message(format!("{} right", self.right));
        self.bar.set_position(self.done as u64);
        let last = self.done == self.total;
        if !self.terminal && (last || self.told.is_none_or(|told| told.elapsed() >= PLAIN_EVERY)) {
            self.told = Some(Instant::now());
            self.line(&format!("{}/{} steps", self.done, self.total));
        }
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
