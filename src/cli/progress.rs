//! How training goes on, for people and for programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use glpft_recipes::counted;
use glpft_train::{EventRecord, Observer, StageStart, StepRecord, ValidationRecord};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::draws;
use super::{OutputArgs, complain, print};

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Tells on the terminal how a stage goes: a bar, plain lines where there is no terminal, or JSON lines on stdout.
pub(crate) struct TrainProgress {
    quiet: bool,
    json: bool,
    terminal: bool,
    /// The stage that is told of, and those that train beside it.
    stage: &'static str,
    shown: BTreeMap<&'static str, Shown>,
    bars: MultiProgress,
}

/// What is shown of a stage.
struct Shown {
    total: usize,
    bar: ProgressBar,
    told: Option<Instant>,
}

impl TrainProgress {
    /// Nothing to be seen yet.
    pub(crate) fn new(output: &OutputArgs) -> Self {
        Self {
            quiet: output.quiet,
            json: output.json,
            terminal: draws(),
            stage: "",
            shown: BTreeMap::new(),
            bars: MultiProgress::new(),
        }
    }

    fn line(&self, line: &str) {
        if self.quiet || self.json {
            return;
        }
        match self.terminal {
            true => self.bars.suspend(|| complain(line)),
            false => complain(line),
        }
    }

    fn object(&self, event: &str, mut value: serde_json::Value) {
        if !self.json {
            return;
        }
        if let Some(object) = value.as_object_mut() {
            object.insert("event".to_owned(), event.into());
            object.insert("stage".to_owned(), self.stage.into());
        }
        // A closed pipe does not end a training run.
        let _ = print(&format!("{value}\n"));
    }
}

impl Observer for TrainProgress {
    fn start(&mut self, start: &StageStart) {
        self.stage = start.stage;
        self.object(
            "start",
            json!({
                "done": start.done,
                "total": start.total,
                "resumed": start.resumed.as_ref().map(|resumed| &resumed.path),
                "changes": start.resumed.as_ref().map(|resumed| &resumed.changes),
                "goes_back_twice": start.goes_back_twice,
            }),
        );
        if start.goes_back_twice {
            self.line(&format!(
                "{}: clip_norm and on_not_finite need a second backward pass where it is layer-wise; clip_norm = 0 \
                 and on_not_finite = \"stop\" save it",
                start.stage
            ));
        }
        if let Some(resumed) = &start.resumed {
            self.line(&format!("{}: resumes from {}", start.stage, resumed.path));
            for change in &resumed.changes {
                self.line(&format!("warning: {}: {change}", start.stage));
            }
        }
        let mut bar = ProgressBar::hidden();
        if self.terminal && !self.quiet && !self.json {
            bar = ProgressBar::new(start.total as u64).with_position(start.done as u64);
            bar = self.bars.add(bar);
            // The template is constant; were it wrong, the bar would look plainer.
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:10} {wide_bar} {pos}/{len} {msg} eta {eta}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(start.stage);
            bar.reset_eta();
        }
        let shown = Shown {
            total: start.total,
            bar,
            told: None,
        };
        self.shown.insert(start.stage, shown);
    }

    fn turn_to(&mut self, stage: &'static str) {
        self.stage = stage;
    }

    fn step(&mut self, record: &StepRecord) {
        if self.json {
            self.object("step", serde_json::to_value(record).unwrap_or_default());
        }
        let gib = record.memory as f64 / (1u64 << 30) as f64;
        let message = format!(
            "loss {:.4} lr {:.2e} {:.0} tokens/s {gib:.1} GiB",
            record.loss, record.lr, record.tokens_per_second
        ) + &waiting(record);
        let Some(shown) = self.shown.get_mut(self.stage) else {
            return;
        };
        if self.terminal {
            shown.bar.set_message(message);
            shown.bar.set_position(record.step);
            return;
        }
        let total = shown.total;
        let last = record.step as usize == total;
        if last || shown.told.is_none_or(|told| told.elapsed() >= PLAIN_EVERY) {
            shown.told = Some(Instant::now());
            self.line(&format!(
                "{}: step {}/{total} {message}",
                self.stage, record.step
            ));
        }
    }

    fn validating(&mut self) {
        self.object("validating", json!({}));
        let Some(shown) = self.shown.get(self.stage) else {
            return;
        };
        match self.terminal {
            true => {
                shown.bar.set_message("validating");
                shown.bar.tick();
            }
            // The first one stands before any other line.
            false if shown.told.is_none() => self.line(&format!("{}: validating", self.stage)),
            false => {}
        }
    }

    fn validation(&mut self, record: &ValidationRecord) {
        self.object(
            "validation",
            serde_json::to_value(record).unwrap_or_default(),
        );
        self.line(&format!(
            "{}: validation loss {:.4}, perplexity {:.4} after {}{}",
            self.stage,
            record.validation_loss,
            record.perplexity(),
            counted(record.step, "step", "steps"),
            by_source(record)
        ));
    }

    fn event(&mut self, record: &EventRecord) {
        let mut value = serde_json::to_value(record).unwrap_or_default();
        value["kind"] = value["event"].take();
        self.object("trouble", value);
        self.line(&format!(
            "warning: {}, step {}: {} (examples {})",
            self.stage,
            record.step,
            record.what,
            record.of_examples.join(", ")
        ));
    }

    fn checkpoint(&mut self, path: &Path) {
        self.object("checkpoint", json!({"path": path}));
    }

    fn finish(&mut self) {
        if let Some(shown) = self.shown.get(self.stage) {
            shown.bar.finish_and_clear();
        }
    }
}

/// The losses of several sources, as they follow that of all.
fn by_source(record: &ValidationRecord) -> String {
    let each = record.source_validation.iter();
    let each: Vec<String> = each
        .map(|(name, found)| format!("{name} {:.4}", found.loss))
        .collect();
    match each.is_empty() {
        true => String::new(),
        false => format!(" ({})", each.join(", ")),
    }
}

/// How much of a step several ranks waited, the busiest and the idlest of them.
fn waiting(record: &StepRecord) -> String {
    let shares = record.waiting_shares();
    let (least, most) = shares.iter().fold((1.0, 0.0), |(least, most), &share| {
        (f64::min(least, share), f64::max(most, share))
    });
    match shares.len() {
        0 => String::new(),
        ranks => format!(
            ", {ranks} ranks waiting {:.0} to {:.0} %",
            100.0 * least,
            100.0 * most
        ),
    }
}
