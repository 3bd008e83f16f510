//! What the run was trained on.

use glpft_recipes::Packing;
use maud::{Markup, html};

use super::facts::{self, cell};
use super::model::{Dataset, RunPage, SourcePart};
use super::number::{about, count, plural};
use super::text::Foreign;

/// The source, then the data sets.
pub(super) fn body(page: &RunPage) -> Markup {
    html! {
        @match &page.source {
            None => (facts::missing("The data are not prepared yet:", Some("glpft prepare RUN"))),
            Some(source) => {
                (facts::list(&facts_of(source)))
                (bad(source))
            }
        }
        @if !page.datasets.is_empty() { (datasets(page)) }
    }
}

fn facts_of(source: &SourcePart) -> Vec<(&'static str, String)> {
    let mut records = format!(
        "{} of {} used",
        count(source.kept as u64),
        count(source.records as u64)
    );
    for left in &source.left_out {
        records += &format!(", {} {}", count(left.count as u64), left.reason);
    }
    let queries = format!(
        "{} to train on, {} held out",
        count(source.training_queries as u64),
        count(source.validation_queries as u64)
    );
    vec![
        ("source", source.path.clone()),
        ("form", source.form.clone()),
        ("records", records),
        ("queries", queries),
    ]
}

fn bad(source: &SourcePart) -> Markup {
    let all = source.left_out.iter().find(|left| left.reason == "bad");
    let more = all.map_or(0, |left| left.count.saturating_sub(source.bad.len()));
    html! {
        @if !source.bad.is_empty() {
            details.fold {
                summary { "records that cannot be read" }
                ul {
                    @for (record, reason) in &source.bad {
                        li { code { (Foreign(record)) } ": " (Foreign(reason)) }
                    }
                    @if more > 0 { li { "… and " (count(more as u64)) " more, in data/prepare.json" } }
                }
            }
        }
    }
}

fn datasets(page: &RunPage) -> Markup {
    let (datasets, packing) = (&page.datasets, page.recipe.data.packing);
    let head = [
        "data set",
        "trajectories",
        "to train on",
        "held out",
        "tokens",
        "learned",
        "longest",
        "sharing",
        "truncated",
        "dropped",
    ];
    let row = |set: &Dataset| {
        let dropped = set.dropped.iter().map(|left| left.count).sum::<usize>();
        vec![
            cell(&set.name),
            cell(count(set.trajectories as u64)),
            cell(count(set.training as u64)),
            cell(count(set.validation as u64)),
            cell(about(set.tokens as f64)),
            cell(about(set.label_tokens as f64)),
            cell(count(set.longest as u64)),
            cell(format!("{:.2}×", set.sharing)),
            cell(count(set.truncated as u64)),
            cell(count(dropped as u64)),
        ]
    };
    let rows: Vec<_> = datasets.iter().map(row).collect();
    html! {
        (facts::table(&head, &rows))
        @for set in datasets {
            @for left in &set.dropped {
                p.note {
                    (Foreign(&set.name)) ": " (plural(left.count as u64, "example", "examples"))
                    " dropped, " (Foreign(&left.reason))
                }
            }
        }
        p.note {
            "Tokens are those of prompts and targets. Sharing: how many times as many they are as what is left to "
            "compute where the examples of a trajectory share their beginnings."
            @if packing != Packing::Tree {
                " This run computes each example on its own: " code { "data.packing" } " is \"" (packing) "\"."
            }
        }
    }
}
