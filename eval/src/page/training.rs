//! Curves of every stage.

use glpft_recipes::{Recipe, Stage, Tune};
use maud::{Markup, PreEscaped, html};

use super::facts::{cell, missing, table};
use super::model::{RunPage, StagePart, StageState, StepPoint, ValidationPoint};
use super::number::{count, loss, perplexity, plural, time};
use super::text::Foreign;
use crate::plot::{Axis, Plot, Point, Series, smooth, thin};

/// Points of a curve: at most twice as many are drawn.
pub(super) const POINTS: usize = 240;
/// A curve of more steps gets a mean, and its steps turn pale.
pub(super) const FEW: usize = 40;
/// From so many validations on, perplexity is a curve of its own.
const CURVE: usize = 3;
/// How many validations are listed.
const SHOWN: usize = 200;
/// The colour of what is held out, in every plot.
const HELD_OUT: usize = 5;

/// Each stage with its curves.
pub(super) fn body(page: &RunPage) -> Markup {
    html! {
        @for stage in &page.stages {
            div.stage {
                h3 {
                    span class={ "role role-" (stage.stage.name()) } { (stage.stage.name()) }
                    span.stage-about { (about(stage, &page.recipe)) }
                }
                @if stage.steps.is_empty() {
                    (missing(absent(stage), None))
                } @else {
                    div.charts {
                        @for chart in charts(stage) { figure.chart { (chart) } }
                    }
                    (validations(stage))
                    (sources(stage))
                }
            }
        }
    }
}

fn absent(stage: &StagePart) -> &'static str {
    match stage.state {
        StageState::Finished => "The model is there, but no log of its training.",
        StageState::Begun => "Its log holds no step yet.",
        StageState::Waiting => "Not begun yet.",
    }
}

fn about(stage: &StagePart, recipe: &Recipe) -> Markup {
    let settings = recipe.stage(stage.stage);
    let mut parts = Vec::new();
    match (stage.state, stage.steps.last()) {
        (StageState::Finished, Some(last)) => parts.push(plural(last.step, "step", "steps")),
        (StageState::Begun, Some(last)) => parts.push(format!(
            "unfinished: {}, epoch {:.2} of {}",
            plural(last.step, "step", "steps"),
            last.epoch,
            settings.epochs
        )),
        _ => {}
    }
    parts.push(match settings.tune {
        Tune::Full => "all weights".to_owned(),
        Tune::Lora => format!("LoRA of rank {}", settings.lora.rank),
    });
    if let Some(from) = &stage.from {
        parts.push(format!("from {from}"));
    }
    html! { (Foreign(&parts.join(" · "))) }
}

/// Loss, learning rate and, where there are several, perplexities.
fn charts(stage: &StagePart) -> Vec<Markup> {
    let colour = colour(stage.stage);
    let mut losses = Plot::new(steps_axis(), Axis::new("loss in nats a token"));
    for series in training_losses(stage) {
        losses = losses.series(series.colour(colour));
    }
    if !stage.validations.is_empty() {
        losses = losses.series(held_out(stage, |it| it.loss));
    }
    let rates = thin(&points(stage, |step| step.lr), POINTS);
    let rates = Series::new("learning rate", rates).colour(colour);
    let rate = Axis::new("learning rate").from_zero();
    let mut plots = vec![losses, Plot::new(steps_axis(), rate).series(rates)];
    if stage.validations.len() >= CURVE {
        // An untrained model's is thousands of times a trained one's.
        let axis = Axis::new("held-out perplexity").log();
        let perplexities = held_out(stage, ValidationPoint::perplexity);
        plots.push(Plot::new(steps_axis(), axis).series(perplexities));
    }
    // Three stand beside each other, so each is narrower.
    let width = if plots.len() > 2 { 340 } else { 420 };
    let drawn = plots.into_iter().map(|plot| chart(plot.size(width, 220)));
    drawn.collect()
}

pub(super) fn steps_axis() -> Axis {
    Axis::new("step").from_zero()
}

pub(super) fn points(stage: &StagePart, value: fn(&StepPoint) -> f64) -> Vec<Point> {
    let steps = stage.steps.iter();
    steps.map(|step| (step.step as f64, value(step))).collect()
}

/// The steps' losses; of many, their mean before them.
fn training_losses(stage: &StagePart) -> Vec<Series> {
    let losses = points(stage, |step| step.loss);
    let steps = Series::new("step", thin(&losses, POINTS));
    if losses.len() <= FEW {
        return vec![steps];
    }
    let reach = losses.len() / 60;
    let name = format!("mean of {}", count(2 * reach as u64 + 1));
    let mean = thin(&smooth(&losses, reach), POINTS);
    vec![steps.faint(), Series::new(name, mean)]
}

fn held_out(stage: &StagePart, value: fn(&ValidationPoint) -> f64) -> Series {
    let found = stage.validations.iter();
    let points: Vec<Point> = found.map(|it| (it.step as f64, value(it))).collect();
    let series = Series::new("held out", thin(&points, POINTS)).colour(HELD_OUT);
    match points.len() {
        ..CURVE => series.dots(),
        // Very many dots would hide the line.
        61.. => series,
        _ => series.marks(),
    }
}

pub(super) fn chart(plot: Plot) -> Markup {
    match plot.svg() {
        // The plot escapes what it writes.
        Ok(svg) => PreEscaped(svg),
        Err(error) => html! { p.missing { (error) } },
    }
}

/// A stage's colour, the same in every plot and beside its name.
fn colour(stage: Stage) -> usize {
    Stage::ALL.iter().position(|&one| one == stage).unwrap_or(0)
}

/// What each of several sources gave the stage.
fn sources(stage: &StagePart) -> Markup {
    let all: u64 = stage.sources.iter().map(|source| source.label_tokens).sum();
    let rows = stage.sources.iter().map(|source| {
        let share = 100.0 * source.label_tokens as f64 / all.max(1) as f64;
        vec![
            cell(&source.name),
            cell(count(source.label_tokens)),
            cell(format!("{share:.1} %")),
            cell(source.held_out_loss.map_or("-".to_owned(), loss)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    html! {
        @if !rows.is_empty() {
            (table(&["source", "label tokens", "share", "held-out loss"], &rows))
        }
    }
}

/// Every validation in numbers.
fn validations(stage: &StagePart) -> Markup {
    let rows = stage.validations.iter().map(|it| {
        vec![
            cell(count(it.step)),
            cell(loss(it.loss)),
            cell(perplexity(it.perplexity())),
            cell(time(it.seconds)),
        ]
    });
    let all = stage.validations.len();
    let rows: Vec<_> = rows.skip(all.saturating_sub(SHOWN)).collect();
    html! {
        @if rows.is_empty() {
            p.note { "Nothing was held out, so the stage was not validated." }
        } @else {
            details.fold {
                summary { (plural(all as u64, "validation", "validations")) }
                @if all > SHOWN { p.note { "The last " (SHOWN) "." } }
                (table(&["after step", "held-out loss", "perplexity", "time"], &rows))
            }
        }
    }
}
