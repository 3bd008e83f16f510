//! How a count goes up, for people and for programs.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::output::draws;
use super::{OutputArgs, complain, print};

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Tells how many things are done: a bar, plain lines where there is no terminal, or JSON lines on stdout.
pub(crate) struct Counting {
    what: &'static str,
    quiet: bool,
    json: bool,
    terminal: bool,
    done: usize,
    total: usize,
    told: Option<Instant>,
    bar: ProgressBar,
}

impl Counting {
    /// Nothing to be seen yet; `what` names the things.
    pub(crate) fn new(output: &OutputArgs, what: &'static str) -> Self {
        Self {
            what,
            quiet: output.quiet,
            json: output.json,
            terminal: draws(),
            done: 0,
            total: 0,
            told: None,
            bar: ProgressBar::hidden(),
        }
    }

    /// So many are done already.
    pub(crate) fn start(&mut self, done: usize, total: usize) {
        (self.done, self.total) = (done, total);
        self.object(&json!({"event": "start", "done": done, "total": total}));
        if done > 0 && done < total {
            self.line(&format!("resumes after {done} of {total} {}", self.what));
        }
        if self.terminal && !self.quiet && !self.json {
            self.bar = ProgressBar::new(total as u64).with_position(done as u64);
            let template = format!(
                "{} {{wide_bar}} {{pos}}/{{len}} {{msg}} eta {{eta}}",
                self.what
            );
            // Were the template wrong, the bar would look plainer.
            if let Ok(style) = ProgressStyle::with_template(&template) {
                self.bar.set_style(style);
            }
            self.bar.reset_eta();
        }
    }

    /// The models are being read.
    pub(crate) fn load(&self) {
        self.object(&json!({"event": "load"}));
        self.message("loading models".to_owned());
    }

    /// More are done.
    pub(crate) fn add(&mut self, more: usize) {
        self.done += more;
        self.bar.set_position(self.done as u64);
        let last = self.done == self.total;
        if !self.terminal && (last || self.told.is_none_or(|told| told.elapsed() >= PLAIN_EVERY)) {
            self.told = Some(Instant::now());
            self.line(&format!("{}/{} {}", self.done, self.total, self.what));
        }
    }

    /// How many are done, and of how many.
    pub(crate) fn done(&self) -> (usize, usize) {
        (self.done, self.total)
    }

    /// Beside the bar.
    pub(crate) fn message(&self, message: String) {
        self.bar.set_message(message);
    }

    /// For programs.
    pub(crate) fn object(&self, value: &Value) {
        if self.json {
            // A closed pipe does not end what is counted.
            let _ = print(&format!("{value}\n"));
        }
    }

    /// Nothing more comes.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &str) {
        match (self.quiet || self.json, self.terminal) {
            (true, _) => {}
            (false, true) => self.bar.suspend(|| complain(line)),
            (false, false) => complain(line),
        }
    }
}
