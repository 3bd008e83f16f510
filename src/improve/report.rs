//! What rounds came to, and its files.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use glpft_checkpoints::{write_atomically, write_json};
use glpft_eval::live_evaluation::LiveReport;
use glpft_eval::tool_eval::Rate;
use serde::Serialize;

use super::kept::Kept;
use super::settings::ImproveSettings;
use crate::Error;

/// The report.
pub const ROUNDS_FILE: &str = "rounds.json";
/// The same as a page.
pub const ROUNDS_PAGE: &str = "rounds.md";

/// `rounds.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundsReport {
    /// Rollouts of each training task in a round.
    pub samples: usize,
    /// The stages that were trained again.
    pub roles: Vec<&'static str>,
    /// What they started from.
    pub from: &'static str,
    /// The weight of what was kept.
    pub weight: f64,
    /// The rounds in order; the first, 0, is the run itself.
    pub rounds: Vec<RoundReport>,
    /// The round that passes most held-out tasks; of equals the earliest.
    pub best: usize,
    /// Why there are fewer rounds than were asked for; absent where there are as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundReport {
    /// Its number; 0 is the run itself.
    pub round: usize,
    /// The round whose models played the training tasks; absent for the run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// What these rollouts came to; absent for the run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptReport>,
    /// Tokens of what was kept, prompts and targets, in the datasets of the roles that were trained; 0 where none was.
    pub kept_tokens: usize,
    /// Tokens that the models were run on in training.
    pub computed_tokens: u64,
    /// What it is worth; absent where nothing was trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutReport>,
}

/// What a round's rollouts came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KeptReport {
    /// Training tasks that were tried.
    pub tasks: usize,
    /// Rollouts of them, all tasks together.
    pub rollouts: usize,
    /// Rollouts that passed.
    pub passed: usize,
    /// Tasks of which one passed.
    pub solved: usize,
    /// Rollouts that passed and cannot be read as data.
    pub unreadable: usize,
    /// Trajectories that are kept.
    pub trajectories: usize,
    /// Those of them that the data do not have which the models that played were trained on.
    pub new: usize,
    /// Their steps, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<f64>,
}

/// What a round is worth on held-out tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldOutReport {
    /// How many there are.
    pub tasks: usize,
    /// The pass rate, the mean over test sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<Rate>,
    /// The solvable pass rate, the mean over test sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solvable_pass_rate: Option<Rate>,
    /// Steps for each task, those of dead ends included.
    pub steps_per_task: f64,
}

impl KeptReport {
    pub(super) fn new(kept: &Kept, new: usize) -> Self {
        Self {
            tasks: kept.tasks,
            rollouts: kept.rollouts,
            passed: kept.passed,
            solved: kept.solved,
            unreadable: kept.unreadable,
            trajectories: kept.trajectories.len(),
            new,
            steps: kept.mean_steps(),
        }
    }
}

impl From<&LiveReport> for HeldOutReport {
    fn from(report: &LiveReport) -> Self {
        let scores = &report.scores;
        let average = |rates: &Option<glpft_eval::tool_eval::Rates>| Some(rates.as_ref()?.average);
        Self {
            tasks: report.tasks,
            pass_rate: average(&scores.pass_rate),
            solvable_pass_rate: average(&scores.solvable_pass_rate),
            steps_per_task: report.steps as f64 / report.tasks.max(1) as f64,
        }
    }
}

impl RoundsReport {
    pub(super) fn new(settings: &ImproveSettings) -> Self {
        Self {
            samples: settings.samples,
            roles: settings.roles.iter().map(|role| role.name()).collect(),
            from: settings.from.name(),
            weight: settings.weight,
            rounds: Vec::new(),
            best: 0,
            ended: None,
        }
    }

    /// Adds a round.
    pub(super) fn push(&mut self, round: RoundReport) {
        let rate = |round: &RoundReport| {
            let rate = round.held_out.as_ref()?.pass_rate?;
            Some(rate.rate)
        };
        let best = self.rounds.iter().find(|one| one.round == self.best);
        if rate(&round).unwrap_or(-1.0) > best.and_then(rate).unwrap_or(-1.0) {
            self.best = round.round;
        }
        self.rounds.push(round);
    }

    /// Writes both files.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        write_json(&folder.join(ROUNDS_FILE), self)?;
        let page = self.page();
        Ok(write_atomically(&folder.join(ROUNDS_PAGE), |file| {
            file.write_all(page.as_bytes())
        })?)
    }

    /// The rounds as rows of a table, heads first.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let heads = [
            "round",
            "played by",
            "tasks",
            "solved",
            "kept",
            "new",
            "kept tokens",
            "trained on",
            "pass %",
            "95 %",
            "solvable %",
            "steps/task",
        ];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(self.rounds.iter().map(|round| self.row(round)));
        rows
    }

    fn row(&self, round: &RoundReport) -> Vec<String> {
        let none = || "-".to_owned();
        let percent = |value: f64| format!("{:.1}", 100.0 * value);
        let best = if round.round == self.best { "*" } else { "" };
        let mut row = vec![
            format!("{}{best}", round.round),
            round.start.map_or_else(none, |start| start.to_string()),
        ];
        row.extend(match &round.kept {
            None => [none(), none(), none(), none()],
            Some(kept) => {
                [kept.tasks, kept.solved, kept.trajectories, kept.new].map(|one| one.to_string())
            }
        });
        let tokens = [round.kept_tokens as u64, round.computed_tokens];
        row.extend(tokens.map(|tokens| match tokens {
            0 => none(),
            tokens => tokens.to_string(),
        }));
        let held_out = round.held_out.as_ref();
        let pass = held_out.and_then(|one| one.pass_rate);
        let solvable = held_out.and_then(|one| one.solvable_pass_rate);
        let interval = pass.and_then(|rate| rate.interval);
        row.extend([
            pass.map_or_else(none, |rate| percent(rate.rate)),
            interval.map_or_else(none, |[low, high]| {
                format!("{} to {}", percent(low), percent(high))
            }),
            solvable.map_or_else(none, |rate| percent(rate.rate)),
            held_out.map_or_else(none, |one| format!("{:.2}", one.steps_per_task)),
        ]);
        row
    }

    /// The report as Markdown.
    fn page(&self) -> String {
        let mut text = "# Rounds\n\n".to_owned();
        let held_out = self.rounds.iter().find_map(|round| round.held_out.as_ref());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "Each round plays every training task {} times, keeps the shortest rollout of each task that passes, and trains {} \
             again from the {} on the run's data and these (weight {}). Round 0 is the run itself. Rates are of {} held-out \
             tasks, the mean over test sets; `*` marks the best round.\n",
            self.samples,
            self.roles.join(", "),
            match self.from {
                "last" => "models that played",
                _ => "model that the recipe says",
            },
            self.weight,
            held_out.map_or(0, |one| one.tasks)
        );
        for (index, row) in self.rows().iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.join(" | "));
            if index == 0 {
                let _ = writeln!(text, "|---|{}", "---:|".repeat(row.len() - 1));
            }
        }
        let _ = writeln!(text, "\nThe best is {}.", self.best_run());
        if let Some(why) = &self.ended {
            let _ = writeln!(text, "\n{why}.");
        }
        text
    }

    /// The best round in words.
    pub fn best_run(&self) -> String {
        match self.best {
            0 => "the run itself".to_owned(),
            best => format!("round {best}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(number: usize, pass: Option<f64>) -> RoundReport {
        RoundReport {
            round: number,
            start: number.checked_sub(1),
            kept: None,
            kept_tokens: 0,
            computed_tokens: 12,
            held_out: pass.map(|rate| HeldOutReport {
                tasks: 6,
                pass_rate: Some(Rate {
                    rate,
                    interval: Some([0.25, 0.75]),
                    deviation: None,
                }),
                solvable_pass_rate: None,
                steps_per_task: 2.5,
            }),
        }
    }

    #[test]
    fn the_best_round_is_the_first_that_passes_most() {
        let mut report = RoundsReport {
            samples: 4,
            roles: vec!["planner"],
            from: "global",
            weight: 1.0,
            rounds: Vec::new(),
            best: 0,
            ended: None,
        };
        for (number, pass, best) in [
            (0, Some(0.5), 0),
            (1, Some(0.5), 0),
            (2, Some(0.625), 2),
            (3, Some(0.6), 2),
            (4, None, 2),
        ] {
            report.push(round(number, pass));
            assert_eq!(report.best, best, "{number}");
        }
        let page = report.page();
        for part in [
            "| 2* | 1 |",
            "| 62.5 | 25.0 to 75.0 | - | 2.50 |",
            "best is round 2",
        ] {
            assert!(page.contains(part), "no {part:?} in {page}");
        }
        assert_eq!(report.rows().iter().map(Vec::len).max(), Some(12));
    }
}
