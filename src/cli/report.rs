//! What `prepare` and `data inspect` tell.

use glpft::prepare::{DatasetReport, PrepareReport, SourceState};
use glpft_data::{BadRecord, Dataset, SourceReport};
use glpft_recipes::{Recipe, counted};

use super::output::table;

/// How many bad records are listed; `prepare.json` has all of them.
const LISTED: usize = 10;

/// How many steps that are not learned are listed.
const LISTED_FAULTS: usize = 3;

/// The report as text: source, queries, datasets.
pub(crate) fn text(report: &PrepareReport, recipe: &Recipe) -> String {
    let mut text = source(&report.source);
    text.push_str(&queries(report, recipe));
    text.push('\n');
    text.push_str(&datasets(report));
    text
}

/// What became of a source's records.
pub(crate) fn source(source: &SourceState) -> String {
    let told = &source.report;
    let mut text = format!("source   {} ({})\n", source.path, source.form);
    let records = counted(told.records, "record", "records");
    let mut parts = vec![format!("{} of {records} used", told.kept)];
    for (count, one, many) in [
        (told.test_queries, "of test queries", "of test queries"),
        (
            told.without_messages,
            "without train_messages",
            "without train_messages",
        ),
        (told.invalid, "not valid", "not valid"),
        (told.bad.len(), "bad", "bad"),
        (told.duplicates, "duplicate", "duplicates"),
        (
            told.left_out,
            "left out by weight or roles",
            "left out by weight or roles",
        ),
        (told.repeated, "read again", "read again"),
    ] {
        if count > 0 {
            parts.push(counted(count, one, many));
        }
    }
    text += &format!("         {}\n", parts.join(", "));
    text += &parts_of(told);
    text += &steps(told);
    if source.form == "raw" {
        text += &match source.test_query_ids {
            Some(ids) => format!("         {ids} test query ids are left out\n"),
            None => "         no test_query_ids: nothing is left out as a test query\n".to_owned(),
        };
    }
    for BadRecord { record, reason } in told.bad.iter().take(LISTED) {
        text += &format!("   bad:  {record}: {reason}\n");
    }
    if told.bad.len() > LISTED {
        let more = told.bad.len() - LISTED;
        text += &format!("   bad:  {more} more, all in prepare.json and --json\n");
    }
    text
}

/// A line for each of several sources.
fn parts_of(told: &SourceReport) -> String {
    let mut text = String::new();
    for part in &told.parts {
        let steps = &part.report.steps;
        text += &format!(
            "   from  {} ({}, weight {}): {}; steps: {} planner, {} caller, {} summarizer\n",
            part.name,
            part.form,
            part.weight,
            part.report,
            steps.planner,
            steps.caller,
            steps.summarizer
        );
    }
    text
}

/// The steps of the records that are used, and those that are not learned.
fn steps(told: &SourceReport) -> String {
    let steps = &told.steps;
    let mut parts = vec![format!(
        "{} planner, {} caller, {} summarizer",
        steps.planner, steps.caller, steps.summarizer
    )];
    for (count, one, many) in [
        (
            steps.without_rationale,
            "without a rationale",
            "without a rationale",
        ),
        (steps.parallel_calls, "parallel call", "parallel calls"),
        (
            steps.unknown_names,
            "of an unknown name",
            "of unknown names",
        ),
        (
            steps.later_instructions,
            "later instruction",
            "later instructions",
        ),
    ] {
        if count > 0 {
            parts.push(counted(count, one, many));
        }
    }
    let mut text = format!("steps    {}\n", parts.join(", "));
    for (what, count) in &told.faults {
        text += &format!("         {count} not learned: {what}\n");
    }
    for BadRecord { record, reason } in told.first_faults.iter().take(LISTED_FAULTS) {
        text += &format!("   step: {record}: {reason}\n");
    }
    text
}

fn queries(report: &PrepareReport, recipe: &Recipe) -> String {
    let queries = &report.queries;
    let (first, second) = (queries.first_half, queries.second_half);
    let train = match recipe.reuse {
        true => format!("{} to train on", first + second),
        false => format!("{first} for the global stage, {second} for the local ones"),
    };
    format!("queries  {train}, {} held out\n", queries.validation)
}

fn datasets(report: &PrepareReport) -> String {
    let heads = [
        "dataset",
        "trajectories",
        "examples",
        "train",
        "held out",
        "tokens",
        "label tokens",
        "tree tokens",
        "sharing",
        "longest",
        "truncated",
        "lost tokens",
        "lost labels",
        "dropped",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let mut dropped = String::new();
    for dataset in Dataset::ALL {
        let Some(told) = report.dataset(dataset) else {
            continue;
        };
        rows.push(row(dataset, told));
        for (reason, count) in &told.dropped {
            let (name, length) = (dataset.name(), told.max_length);
            dropped += &format!("{name}: {count} dropped, {reason} (max_length {length})\n");
        }
    }
    table(&rows) + &dropped + &by_source(report)
}

/// What each dataset has of each of several sources.
fn by_source(report: &PrepareReport) -> String {
    let heads = [
        "dataset",
        "source",
        "trajectories",
        "train",
        "held out",
        "tokens",
        "label tokens",
        "truncated",
        "lost tokens",
        "lost labels",
        "dropped",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for dataset in Dataset::ALL {
        let sources = report.dataset(dataset).map(|told| &told.sources);
        for (source, counts) in sources.into_iter().flatten() {
            let mut row = vec![dataset.name().to_owned(), source.clone()];
            let numbers = [
                counts.trajectories,
                counts.training_examples,
                counts.validation_examples,
                counts.tokens,
                counts.label_tokens,
                counts.truncated,
                counts.cut_tokens,
                counts.lost_label_tokens,
                counts.dropped,
            ];
            row.extend(numbers.map(|number| number.to_string()));
            rows.push(row);
        }
    }
    match rows.len() {
        1 => String::new(),
        _ => format!("\n{}", table(&rows)),
    }
}

fn row(dataset: Dataset, told: &DatasetReport) -> Vec<String> {
    let mut row = vec![dataset.name().to_owned()];
    row.extend(
        [
            told.trajectories,
            told.examples,
            told.training_examples,
            told.validation_examples,
            told.tokens,
            told.label_tokens,
            told.tree_tokens,
        ]
        .map(|number| number.to_string()),
    );
    row.push(format!("{:.2}x", told.sharing));
    row.push(told.longest.to_string());
    row.push(told.truncated.to_string());
    row.push(told.cut_tokens.to_string());
    row.push(told.lost_label_tokens.to_string());
    row.push(told.dropped.values().sum::<usize>().to_string());
    row
}
