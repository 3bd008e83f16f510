//! Rates by test set.

use maud::{Markup, html};

use super::judge;
use crate::page::facts::{self, cell};
use crate::page::live_part::LivePart;
use crate::page::number::{percent, plural};
use crate::page::text::Foreign;
use crate::tool_eval::Rate;

/// A table for each kind of rate: a row an evaluation, a column a test set.
pub(in crate::page) fn rates(parts: &[&LivePart]) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    let reports = || parts.iter().filter_map(|part| part.report.as_ref());
    for (name, _) in reports().flat_map(|report| report.scores.by_name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    html! { @for name in names { (one(name, parts)) } }
}

fn one(name: &str, parts: &[&LivePart]) -> Markup {
    let mut groups: Vec<&str> = Vec::new();
    let mut of = Vec::new();
    for part in parts {
        let Some(report) = &part.report else { continue };
        let rates = report.scores.by_name().into_iter();
        let Some((_, rates)) = rates.into_iter().find(|(found, _)| *found == name) else {
            continue;
        };
        for group in &rates.groups {
            if !groups.contains(&group.group.as_str()) {
                groups.push(&group.group);
            }
        }
        of.push((part, report, rates));
    }
    let rows = of.iter().map(|(part, report, rates)| {
        let against = report.reference.as_deref().filter(|_| name.contains("win"));
        let mut row = vec![html! {
            (Foreign(&part.name))
            div.meaning {
                (Foreign(&judge(&report.judge)))
                @if let Some(reference) = against { ", against " (Foreign(reference)) }
            }
        }];
        row.extend(groups.iter().map(|group| {
            let found = rates.groups.iter().find(|found| found.group == *group);
            found.map_or_else(|| cell("–"), |found| rate(&found.rate, found.tasks))
        }));
        let tasks = rates.groups.iter().map(|group| group.tasks).sum();
        row.push(rate(&rates.average, tasks));
        row
    });
    let rows: Vec<Vec<Markup>> = rows.collect();
    let mut head: Vec<String> = vec![format!("{name}, %")];
    // Names of test sets break at their underscores.
    head.extend(groups.iter().map(|group| group.replace('_', " ")));
    head.push("average".to_owned());
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    facts::table(&head, &rows)
}

fn rate(rate: &Rate, tasks: usize) -> Markup {
    html! {
        (percent(rate.rate))
        div.meaning { "of " (plural(tasks as u64, "task", "tasks")) }
        @if let Some([low, high]) = rate.interval { div.meaning { (percent(low)) " – " (percent(high)) } }
        @if let Some(deviation) = rate.deviation.filter(|&deviation| deviation > 0.0) {
            div.meaning { "± " (percent(deviation)) }
        }
    }
}
