//! Metrics as tables.

use glpft_agent::Plan;
use glpft_eval::{MetricReport, Over};

use crate::cli::output::table;

/// In percent, as the paper has them.
pub(super) fn metrics(report: &MetricReport) -> String {
    let percent = |value: f64| format!("{:.2}", 100.0 * value);
    let intervals = report.intervals.as_ref();
    let mut header = vec!["metric".to_owned(), "%".to_owned()];
    if let Some(intervals) = intervals {
        let over = match intervals.over {
            Over::Trajectories => "trajectories",
            Over::Steps => "steps",
        };
        let level = 100.0 * intervals.level;
        header.push(format!("{level:.0} % interval over {over}"));
    }
    let mut rows = vec![header];
    for (index, (key, value)) in report.metrics.by_key().into_iter().enumerate() {
        let mut row = vec![
            key.to_owned(),
            value.map_or_else(|| "undefined".to_owned(), percent),
        ];
        if let Some([low, high]) = intervals.and_then(|intervals| intervals.by_key()[index].1) {
            row.push(format!("{} to {}", percent(low), percent(high)));
        }
        rows.push(row);
    }
    table(&rows)
}

pub(super) fn confusion(report: &MetricReport) -> String {
    let mut header = vec!["reference \\ predicted".to_owned()];
    header.extend(Plan::ALL.map(|plan| plan.name().to_owned()));
    let mut rows = vec![header];
    for reference in Plan::ALL {
        let row = report.confusion.get(reference);
        let counts = Plan::ALL.map(|predicted| row.get(predicted).to_string());
        rows.push([vec![reference.name().to_owned()], counts.into()].concat());
    }
    table(&rows)
}

/// What is odd about the data or the predictions; nothing where nothing is.
pub(super) fn notes(report: &MetricReport) -> String {
    let counts = &report.counts;
    let mut text = String::new();
    if counts.hallucinated_references > 0 {
        let references = counts.hallucinated_references;
        text += &format!("\n{references} references call a tool that was not offered\n");
    }
    if !report.notes.is_empty() {
        text.push('\n');
    }
    for note in &report.notes {
        text += &format!(
            "entry {}: the {} {}\n",
            note.entry, note.which, note.problem
        );
    }
    let more = report.problems() - report.notes.len() as u64;
    if more > 0 {
        text += &format!("… and {more} more\n");
    }
    text
}
