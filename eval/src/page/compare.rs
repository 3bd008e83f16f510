//! Several runs on one page: what sets their recipes apart, their curves, and their metrics.

use glpft_recipes::{Difference, Stage, counted};
use maud::{Markup, html};

use super::facts::{cell, missing, table};
use super::layout::{document, navigation};
use super::live::rates;
use super::live_part::LivePart;
use super::metrics;
use super::model::{EvaluationPart, RunPage, RunState, StagePart};
use super::number::{about, count, loss, percent, perplexity, time};
use super::section::Section;
use super::text::Foreign;
use super::training::{FEW, POINTS, chart, points, steps_axis};
use crate::plot::{Axis, Plot, Point, Series, smooth, thin};

/// Runs side by side. The first is the one that the others' recipes are compared with.
#[derive(Clone, Debug)]
pub struct ComparePage {
    /// Each with the name that tells it from the others.
    pub runs: Vec<(String, RunPage)>,
    /// The version of the program that makes the page.
    pub version: String,
}

impl ComparePage {
    /// The page.
    pub fn html(&self) -> String {
        let section = |id, title, body| Section { id, title, body };
        let sections = [
            section("overview", "Overview", self.overview()),
            section("recipes", "Recipes", self.recipes()),
            section("training", "Training", self.training()),
            section("evaluation", "Evaluation", self.evaluation()),
            section("live", "Live evaluation", self.live()),
        ];
        let head = html! {
            header {
                div.kind-of-page { "glpft · comparison" }
                h1 { (count(self.runs.len() as u64)) " runs" }
                (navigation(&sections))
                @for (name, run) in &self.runs {
                    @for problem in &run.problems { p.problem { (Foreign(name)) ": " (Foreign(problem)) } }
                }
            }
        };
        document("Runs compared · glpft", &head, &sections, &self.version)
    }

    fn overview(&self) -> Markup {
        let row = |(name, run): &(String, RunPage)| {
            let state = match run.state() {
                RunState::Finished => "finished".to_owned(),
                RunState::Unfinished { finished, all } => {
                    format!("{finished} of {}", counted(all, "stage", "stages"))
                }
            };
            let steps = || run.stages.iter().flat_map(|stage| &stage.steps);
            vec![
                cell(name),
                cell(&run.recipe.name),
                cell(run.recipe.arrangement.to_string()),
                cell(&run.recipe.model.base),
                cell(state),
                cell(about(steps().map(|step| step.tokens as f64).sum())),
                cell(time(steps().map(|step| step.seconds).sum())),
                cell(run.machine.as_ref().map_or("–", |machine| &machine.device)),
            ]
        };
        let rows: Vec<_> = self.runs.iter().map(row).collect();
        let head = [
            "run",
            "recipe",
            "arrangement",
            "base",
            "state",
            "tokens trained",
            "training time",
            "device",
        ];
        table(&head, &rows)
    }

    /// Keys on which another run's recipe disagrees with the first one's.
    fn recipes(&self) -> Markup {
        let differences = self.differences();
        let mut keys: Vec<&str> = Vec::new();
        for difference in differences.iter().flatten() {
            if !keys.contains(&difference.key.as_str()) {
                keys.push(&difference.key);
            }
        }
        if keys.is_empty() {
            return html! { p.note { "The recipes are the same." } };
        }
        let row = |key: &&str| {
            let of = |run: usize| differences[run].iter().find(|found| found.key == *key);
            let first = (0..self.runs.len()).find_map(of);
            let first = first.map_or("", |found| &found.ours);
            let cells =
                (0..self.runs.len()).map(|run| of(run).map_or(first, |found| &found.theirs));
            let mut row = vec![cell(key)];
            row.extend(cells.map(cell));
            row
        };
        let rows: Vec<_> = keys.iter().map(row).collect();
        let mut head = vec!["key"];
        head.extend(self.runs.iter().map(|(name, _)| name.as_str()));
        table(&head, &rows)
    }

    /// Of each run, the keys on which its recipe disagrees with the first one's.
    fn differences(&self) -> Vec<Vec<Difference>> {
        let first = self.runs.first();
        let of = |(_, run): &(String, RunPage)| match first {
            Some((_, first)) => first.recipe.differences(&run.recipe),
            None => Vec::new(),
        };
        self.runs.iter().map(of).collect()
    }

    /// The curves of each stage, a line a run.
    fn training(&self) -> Markup {
        html! {
            @for stage in Stage::ALL {
                @let runs = self.with_stage(stage);
                @if !runs.is_empty() {
                    div.stage {
                        h3 { span class={ "role role-" (stage.name()) } { (stage.name()) } }
                        div.charts {
                            figure.chart { (training_losses(&runs)) }
                            @if let Some(held_out) = held_out_losses(&runs) { figure.chart { (held_out) } }
                        }
                        (ends(&runs))
                    }
                }
            }
        }
    }

    /// The runs that have steps of a stage: each with its colour and its name.
    fn with_stage(&self, stage: Stage) -> Vec<(usize, &str, &StagePart)> {
        let runs = self.runs.iter().enumerate();
        runs.filter_map(|(colour, (name, run))| {
            let mut stages = run.stages.iter();
            let part = stages.find(|part| part.stage == stage && !part.steps.is_empty())?;
            Some((colour, name.as_str(), part))
        })
        .collect()
    }

    /// The static metrics, a table for each evaluation that some run has.
    fn evaluation(&self) -> Markup {
        let mut names: Vec<&str> = Vec::new();
        for part in self.runs.iter().flat_map(|(_, run)| &run.evaluations) {
            if part.scores.is_some() && !names.contains(&part.name.as_str()) {
                names.push(&part.name);
            }
        }
        html! {
            @if names.is_empty() {
                (missing("None of the runs was evaluated on held-out steps. To evaluate one:", Some("glpft eval static RUN DATA")))
            }
            @for name in names {
                h3 { (Foreign(name)) }
                (self.metrics(name))
            }
        }
    }

    fn metrics(&self, evaluation: &str) -> Markup {
        let rows = self.runs.iter().filter_map(|(name, run)| {
            let part = run
                .evaluations
                .iter()
                .find(|part| part.name == evaluation)?;
            metrics_of(name, part)
        });
        let rows: Vec<Vec<Markup>> = rows.collect();
        let mut head = vec!["%"];
        head.extend(METRICS.map(|key| metrics::name(key).0));
        head.push("steps");
        table(&head, &rows)
    }

    /// Pass and win rates.
    fn live(&self) -> Markup {
        let parts = self.runs.iter().flat_map(|(name, run)| {
            let shown = run.live.iter().filter(|part| part.others.is_empty());
            shown.map(move |part| LivePart {
                name: format!("{name}: {}", part.name),
                report: part.report.clone(),
                others: Vec::new(),
                samples: Default::default(),
                seconds: part.seconds,
            })
        });
        let parts: Vec<LivePart> = parts.collect();
        html! {
            @if parts.iter().all(|part| part.report.is_none()) {
                (missing("None of the runs' teams has worked on tasks. To have one call tools and be judged:",
                    Some("glpft eval live RUN --world SEED")))
            }
            (rates(&parts.iter().collect::<Vec<_>>()))
        }
    }
}

/// The metrics of the comparison, by the keys of the published script.
const METRICS: [&str; 5] = ["plan_em", "action_em", "hallu_rate", "f1", "rouge"];

/// A run's metrics as a row; none where nothing is scored.
fn metrics_of(run: &str, part: &EvaluationPart) -> Option<Vec<Markup>> {
    let scores = part.scores.as_ref()?;
    let values = scores.metrics.by_key();
    let intervals = scores
        .intervals
        .as_ref()
        .map(|intervals| intervals.by_key());
    let mut row = vec![html! {
        (Foreign(run))
        @if !part.finished { div.meaning { "unfinished" } }
    }];
    row.extend(METRICS.map(|key| {
        let value = values.iter().find(|(found, _)| *found == key);
        let Some(value) = value.and_then(|(_, value)| *value) else {
            return cell("–");
        };
        let interval = intervals.and_then(|all| all.into_iter().find(|(found, _)| *found == key)?.1);
        html! {
            (percent(value))
            @if let Some([low, high]) = interval { div.meaning { (percent(low)) " – " (percent(high)) } }
        }
    }));
    row.push(cell(count(scores.counts.steps)));
    Some(row)
}

/// A line a run; of many steps their mean.
fn training_losses(runs: &[(usize, &str, &StagePart)]) -> Markup {
    let mut plot = Plot::new(steps_axis(), Axis::new("training loss in nats a token"));
    for (colour, name, stage) in runs {
        let mut losses = points(stage, |step| step.loss);
        if losses.len() > FEW {
            losses = smooth(&losses, losses.len() / 60);
        }
        plot = plot.series(Series::new(*name, thin(&losses, POINTS)).colour(*colour));
    }
    chart(plot.size(420, 240))
}

/// A line a run that was validated; none where no run was.
fn held_out_losses(runs: &[(usize, &str, &StagePart)]) -> Option<Markup> {
    let mut plot = Plot::new(steps_axis(), Axis::new("held-out loss in nats a token"));
    let mut any = false;
    for (colour, name, stage) in runs {
        let found = stage.validations.iter();
        let losses: Vec<Point> = found.map(|it| (it.step as f64, it.loss)).collect();
        any |= !losses.is_empty();
        let series = Series::new(*name, thin(&losses, POINTS)).colour(*colour);
        plot = plot.series(match losses.len() {
            ..=60 => series.marks(),
            // Very many marks would hide the line.
            _ => series,
        });
    }
    any.then(|| chart(plot.size(420, 240)))
}

/// Where each run's stage ended.
fn ends(runs: &[(usize, &str, &StagePart)]) -> Markup {
    let row = |(_, name, stage): &(usize, &str, &StagePart)| {
        let last = stage.steps.last();
        let held_out = stage.validations.last();
        vec![
            cell(name),
            cell(count(last.map_or(0, |last| last.step))),
            cell(last.map_or("–".to_owned(), |last| loss(last.loss))),
            cell(held_out.map_or("–".to_owned(), |last| loss(last.loss))),
            cell(held_out.map_or("–".to_owned(), |last| perplexity(last.perplexity()))),
            cell(time(stage.steps.iter().map(|step| step.seconds).sum())),
        ]
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    let head = [
        "run",
        "steps",
        "last loss",
        "held-out loss",
        "perplexity",
        "time",
    ];
    table(&head, &rows)
}
