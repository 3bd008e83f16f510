//! The paper's metrics, with how sure they are.

use maud::{Markup, html};

use super::number::percent;
use crate::intervals::Over;
use crate::report::MetricReport;

/// A metric's name in the paper, and what it counts, by the key of the published script.
pub(super) fn name(key: &str) -> (&'static str, &'static str) {
    match key {
        "plan_em" => (
            "Plan accuracy",
            "the reference's way was taken: call, finish or give up",
        ),
        "action_em" => (
            "Action match",
            "the reference's tool was called, where it calls one",
        ),
        "easy_f1" => (
            "Argument F1, easy",
            "calls whose reference has no arguments",
        ),
        "hard_f1" => ("Argument F1, hard", "calls whose reference has arguments"),
        "f1" => (
            "Argument F1",
            "of a call's names and values, easy and hard together",
        ),
        "rouge" => ("ROUGE-L", "of answers, where the reference answers"),
        "hallu_rate" => (
            "Hallucination",
            "a tool was called that was not offered; less is better",
        ),
        _ => ("", ""),
    }
}

/// The order of the paper's tables.
const ORDER: [&str; 7] = [
    "plan_em",
    "action_em",
    "hallu_rate",
    "f1",
    "easy_f1",
    "hard_f1",
    "rouge",
];

/// The metrics as a table, in percent, each with its interval as numbers and as a bar.
pub(super) fn table(scores: &MetricReport) -> Markup {
    let values = scores.metrics.by_key();
    let intervals = scores.intervals.map(|intervals| intervals.by_key());
    let value = |key| values.iter().find(|(found, _)| *found == key)?.1;
    let interval = |key| intervals?.into_iter().find(|(found, _)| *found == key)?.1;
    html! {
        div.scroll tabindex="0" {
            table.metrics {
                thead {
                    tr {
                        th scope="col" { "metric" }
                        th scope="col" { "%" }
                        th scope="col" { (heading(scores)) }
                        th.scale scope="col" { span { "0" } span { "50" } span { "100" } }
                    }
                }
                tbody {
                    @for key in ORDER {
                        @let (title, meaning) = name(key);
                        tr {
                            th scope="row" { (title) div.meaning { (meaning) } }
                            @match value(key) {
                                Some(value) => {
                                    td.value { (percent(value)) }
                                    td { (ends(interval(key))) }
                                    td.scale { (bar(value, interval(key))) }
                                }
                                None => td colspan="3" { span.nothing { "no step counts for it" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn heading(scores: &MetricReport) -> String {
    match &scores.intervals {
        Some(intervals) => {
            let over = match intervals.over {
                Over::Trajectories => "trajectories",
                Over::Steps => "steps",
            };
            format!("{:.0} % interval over {over}", 100.0 * intervals.level)
        }
        None => "interval".to_owned(),
    }
}

fn ends(interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => format!("{} – {}", percent(low), percent(high)),
        None => "–".to_owned(),
    }
}

fn bar(value: f64, interval: Option<[f64; 2]>) -> Markup {
    let place = |share: f64| percent(share.clamp(0.0, 1.0));
    html! {
        div.bar aria-hidden="true" {
            @if let Some([low, high]) = interval {
                span.range style={ "left:" (place(low)) "%;width:" (place(high - low)) "%" } {}
            }
            span.point style={ "left:" (place(value)) "%" } {}
        }
    }
}
