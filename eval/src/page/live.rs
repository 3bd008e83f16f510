//! Live evaluations: pass rates by test set, and rollouts as trees.

mod table;
mod view;

use maud::{Markup, html};

use super::facts;
use super::live_part::LivePart;
use super::model::RunPage;
use super::number::{count, percent, time};
use super::text::Foreign;
use crate::judge::OFFLINE;

const COMMAND: &str = "glpft eval live RUN --world SEED";
const AGAIN: &str = "glpft eval live RUN … --overwrite";

pub(super) use table::rates;

/// Every live evaluation of the run.
pub(super) fn body(page: &RunPage) -> Markup {
    let shown: Vec<&LivePart> = page
        .live
        .iter()
        .filter(|one| one.others.is_empty())
        .collect();
    html! {
        @if page.live.is_empty() {
            (facts::missing("This run's team has not worked on tasks. To have it call tools and be judged:", Some(COMMAND)))
        }
        (table::rates(&shown))
        @for one in &page.live { div.evaluation { (one_of(one)) } }
    }
}

/// The pass rate of each evaluation: figures for the top of the page.
pub(super) fn tiles(page: &RunPage) -> Vec<(String, String, String)> {
    let tile = |one: &LivePart| {
        let report = one.report.as_ref()?;
        let pass = report.scores.pass_rate.as_ref()?;
        let rate = format!("{} %", percent(pass.average.rate));
        Some((
            format!("Pass rate, {}", report.strategy),
            rate,
            judge(&report.judge),
        ))
    };
    let shown = page.live.iter().filter(|one| one.others.is_empty());
    shown.filter_map(tile).collect()
}

fn judge(name: &str) -> String {
    match name {
        OFFLINE => "judged offline".to_owned(),
        name => format!("judged by {name}"),
    }
}

fn one_of(one: &LivePart) -> Markup {
    html! {
        h3 { (Foreign(&one.name)) }
        @if !one.others.is_empty() {
            (facts::missing(&format!(
                "The {} that worked here is not the one that the run has now, so nothing of it is shown. To have the run's \
                 team work again:", one.others.join(", ")
            ), Some(AGAIN)))
        } @else {
            @if one.report.is_none() {
                (facts::missing("This evaluation is unfinished. The same command resumes it.", None))
            }
            (facts::list(&about(one)))
            @if let Some(report) = &one.report {
                @for (_, note) in report.notes() { p.missing { (Foreign(&note)) } }
            }
            (view::samples(one))
        }
    }
}

fn about(one: &LivePart) -> Vec<(&str, String)> {
    let mut about = Vec::new();
    if let Some(report) = &one.report {
        let (calls, failed) = report.calls();
        let rounds = match report.rounds {
            1 => String::new(),
            rounds => format!(", {rounds} rounds"),
        };
        about.push(("strategy", report.strategy.clone()));
        about.push(("judge", judge(&report.judge) + &rounds));
        let ends = report.ends;
        about.push((
            "rollouts",
            format!(
                "{}: {} answered, {} gave up, {} without an end",
                count(report.tasks as u64),
                count(ends.answer as u64),
                count(ends.give_up as u64),
                count(ends.nothing as u64)
            ),
        ));
        about.push((
            "calls",
            format!(
                "{} on the final paths, {} without a reply of a tool",
                count(calls as u64),
                count(failed as u64)
            ),
        ));
        about.push(("steps", count(report.steps as u64)));
        let usage = report.usage;
        if usage.prompt_tokens > 0 {
            about.push((
                "tokens",
                format!(
                    "{} read, of which {} were known; {} written",
                    count(usage.prompt_tokens as u64),
                    count(usage.cached_tokens as u64),
                    count(usage.new_tokens as u64)
                ),
            ));
        }
    }
    if one.seconds > 0.0 {
        about.push(("time", time(one.seconds)));
    }
    about
}

#[cfg(test)]
mod tests;
