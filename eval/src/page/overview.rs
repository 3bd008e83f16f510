//! What the run came to, at a glance.

use maud::{Markup, html};

use super::facts::{self, cell, tile};
use super::live;
use super::metrics;
use super::model::{RunPage, StagePart, StageState};
use super::number::{about, count, loss, memory, percent, perplexity, time};

/// The metrics that stand at the top.
const FIRST: [&str; 5] = ["plan_em", "action_em", "f1", "rouge", "hallu_rate"];

/// Figures, then a table of the stages.
pub(super) fn body(page: &RunPage) -> Markup {
    html! {
        (scores(page))
        (live_scores(page))
        (effort(page))
        (stages(page))
        @if page.stages.iter().all(|stage| stage.state == StageState::Waiting) {
            (facts::missing("Nothing is trained yet.", None))
        }
    }
}

/// The first evaluation's metrics.
fn scores(page: &RunPage) -> Markup {
    let scores = page.evaluations.iter().find_map(|one| one.scores.as_ref());
    let tile_of = |key: &str| {
        let by_key = |(found, _): &(&str, _)| *found == key;
        let scores = scores?;
        let value = scores.metrics.by_key().into_iter().find(by_key)?.1?;
        let intervals = scores.intervals.map(|intervals| intervals.by_key());
        let interval = intervals.and_then(|all| {
            let found = all.into_iter().find(|(found, _)| *found == key);
            found?.1
        });
        let ends = interval.map_or_else(String::new, |[low, high]| {
            format!("{} – {}", percent(low), percent(high))
        });
        Some(tile(
            metrics::name(key).0,
            &format!("{} %", percent(value)),
            &ends,
        ))
    };
    html! {
        @if scores.is_some() {
            div.tiles.scores { @for key in FIRST { @if let Some(tile) = tile_of(key) { (tile) } } }
        }
    }
}

/// The live evaluations' pass rates.
fn live_scores(page: &RunPage) -> Markup {
    let tiles = live::tiles(page);
    html! {
        @if !tiles.is_empty() {
            div.tiles.live { @for (name, value, more) in &tiles { (tile(name, value, more)) } }
        }
    }
}

/// What training took.
fn effort(page: &RunPage) -> Markup {
    let seconds: f64 = page.stages.iter().map(trained_seconds).sum();
    let tokens: u64 = page.stages.iter().map(tokens).sum();
    let steps: usize = page.stages.iter().map(|stage| stage.steps.len()).sum();
    let peak = page.stages.iter().filter_map(peak).max();
    html! {
        @if steps > 0 {
            div.tiles {
                (tile("Training time", &time(seconds), "steps and validations"))
                (tile("Steps", &count(steps as u64), "of all stages"))
                (tile("Tokens", &about(tokens as f64), "prompts and targets"))
                @if let Some(peak) = peak { (tile("Memory", &memory(peak), "the process's largest")) }
            }
        }
    }
}

fn stages(page: &RunPage) -> Markup {
    let head = [
        "stage",
        "from",
        "steps",
        "training loss",
        "held-out loss",
        "perplexity",
        "tokens",
        "tokens/s",
        "memory",
        "time",
    ];
    let rows: Vec<_> = page.stages.iter().map(row).collect();
    facts::table(&head, &rows)
}

fn row(stage: &StagePart) -> Vec<Markup> {
    let none = || html! { span.nothing { "–" } };
    let or_none = |text: Option<String>| text.map_or_else(none, cell);
    let seconds: f64 = stage.steps.iter().map(|step| step.seconds).sum();
    let change = |first: Option<String>, last: Option<String>| match (first, last) {
        (Some(first), Some(last)) => html! { span.before { (first) " → " } (last) },
        _ => none(),
    };
    let (first, last) = (stage.steps.first(), stage.steps.last());
    let mean = last_losses(stage);
    let (before, after) = match stage.validations.as_slice() {
        [] => (None, None),
        [only] => (None, Some(only)),
        [before, .., after] => (Some(before), Some(after)),
    };
    let trained = !stage.steps.is_empty();
    let per_second = tokens(stage) as f64 / seconds;
    vec![
        html! {
            span class={ "role role-" (stage.stage.name()) } { (stage.stage.name()) }
            @match stage.state {
                StageState::Finished => {}
                StageState::Begun => span.state { "unfinished" },
                StageState::Waiting => span.state { "not begun" },
            }
        },
        or_none(stage.from.as_deref().map(base)),
        or_none(last.map(|last| count(last.step))),
        change(first.map(|step| loss(step.loss)), mean.map(loss)),
        match (before, after) {
            (None, Some(after)) => cell(loss(after.loss)),
            _ => change(
                before.map(|it| loss(it.loss)),
                after.map(|it| loss(it.loss)),
            ),
        },
        or_none(after.map(|after| perplexity(after.perplexity()))),
        or_none(trained.then(|| about(tokens(stage) as f64))),
        or_none((trained && seconds > 0.0).then(|| about(per_second))),
        or_none(peak(stage).map(memory)),
        or_none(trained.then(|| time(trained_seconds(stage)))),
    ]
}

/// The mean loss of the last steps, a twentieth of them: a single step's tells of its examples more than of the model.
fn last_losses(stage: &StagePart) -> Option<f64> {
    let steps = stage.steps.len();
    let last = &stage.steps[steps - (steps / 20).max(1).min(steps)..];
    let sum: f64 = last.iter().map(|step| step.loss).sum();
    (!last.is_empty()).then(|| sum / last.len() as f64)
}

/// The end of a path: what tells one start from another.
fn base(from: &str) -> String {
    let end = from.trim_end_matches('/').rsplit('/').next();
    end.unwrap_or(from).to_owned()
}

fn tokens(stage: &StagePart) -> u64 {
    stage.steps.iter().map(|step| step.tokens).sum()
}

fn peak(stage: &StagePart) -> Option<u64> {
    stage.steps.iter().map(|step| step.memory).max()
}

/// Steps and validations.
fn trained_seconds(stage: &StagePart) -> f64 {
    let steps: f64 = stage.steps.iter().map(|step| step.seconds).sum();
    let validations = stage.validations.iter();
    steps + validations.map(|found| found.seconds).sum::<f64>()
}
