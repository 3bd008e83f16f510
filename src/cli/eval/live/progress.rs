//! How a live evaluation goes on, for people and for programs.

use std::io::IsTerminal;

use glpft_agent::PathStep;
use glpft_eval::RolloutRecord;
use glpft_eval::live_evaluation::{LiveObserver, LiveTask};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::{OutputArgs, complain, print};

/// Tells how a live evaluation goes: a bar, plain lines where there is no terminal, or JSON lines on stdout.
pub(super) struct LiveProgress {
    quiet: bool,
    json: bool,
    terminal: bool,
    done: usize,
    total: usize,
    bar: ProgressBar,
}

impl LiveProgress {
    /// Nothing to be seen yet.
    pub(super) fn new(output: &OutputArgs) -> Self {
        Self {
            quiet: output.quiet,
            json: output.json,
            terminal: std::io::stderr().is_terminal(),
            done: 0,
            total: 0,
            bar: ProgressBar::hidden(),
        }
    }

    fn line(&self, line: &str) {
        match (self.quiet || self.json, self.terminal) {
            (true, _) => {}
            (false, true) => self.bar.suspend(|| complain(line)),
            (false, false) => complain(line),
        }
    }

    fn object(&self, value: &serde_json::Value) {
        if self.json {
            // A closed pipe does not end an evaluation.
            let _ = print(&format!("{value}\n"));
        }
    }
}

impl LiveObserver for LiveProgress {
    fn start(&mut self, done: usize, total: usize) {
        (self.done, self.total) = (done, total);
        self.object(&json!({"event": "start", "done": done, "total": total}));
        if done > 0 && done < total {
            self.line(&format!("goes on after {done} of {total} tasks"));
        }
        if self.terminal && !self.quiet && !self.json {
            self.bar = ProgressBar::new(total as u64).with_position(done as u64);
            // The template is constant; were it wrong, the bar would look plainer.
            if let Ok(style) = ProgressStyle::with_template("tasks {wide_bar} {pos}/{len} {msg}") {
                self.bar.set_style(style);
            }
        }
    }

    fn load(&mut self) {
        self.object(&json!({"event": "load"}));
        self.bar.set_message("loading models");
    }

    fn step(&mut self, _: &LiveTask, _: &PathStep) {
        self.bar.set_message("");
        self.bar.tick();
    }

    fn rollout(&mut self, rollout: &RolloutRecord) {
        self.done += 1;
        self.object(&json!({
            "event": "rollout",
            "task": rollout.task,
            "group": rollout.group,
            "end": rollout.end,
            "steps": rollout.query_count,
        }));
        self.bar.set_position(self.done as u64);
        if !self.terminal && (self.done.is_multiple_of(16) || self.done == self.total) {
            self.line(&format!("{}/{} tasks", self.done, self.total));
        }
    }

    fn judged(&mut self, done: usize, total: usize) {
        self.bar.set_message(format!("judged {done}/{total}"));
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
