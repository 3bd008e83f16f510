//! `report.md`.

use std::fmt::Write;

use glpft_recipes::counted;

use super::arrangement::Compared;
use super::budget::Budget;
use super::figures::{Figure, Place, on_the_most_data};
use super::metric::StudyMetric;
use super::report::{PlayedTasks, StudyReport};
use super::table::{Estimate, PlayedRow, Row};

/// The report as Markdown, with its figures.
pub(super) fn write(report: &StudyReport, figures: &[Figure]) -> String {
    let mut text = head(report);
    let mut bases: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !bases.contains(&row.base.as_str()) {
            bases.push(&row.base);
        }
    }
    for &base in &bases {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.base == base).collect();
        let of_largest = on_the_most_data(&rows);
        line(&mut text, &format!("\n## {base}: arrangements\n"));
        let largest = of_largest.first().map_or(1.0, |row| row.fraction);
        if largest < 1.0 {
            line(&mut text, &format!("On {largest} of the data.\n"));
        }
        comparison(&mut text, &of_largest);
        show(&mut text, figures, &Place::Arrangements(base.to_owned()));
        let split = Place::Split(base.to_owned());
        if figures.iter().any(|figure| figure.place == split) {
            line(
                &mut text,
                &format!("\n## {base}: what the global stage gets"),
            );
            show(&mut text, figures, &split);
        }
        if rows.len() > of_largest.len() {
            line(&mut text, &format!("\n## {base}: shares of the data\n"));
            scaling(&mut text, &rows);
            show(&mut text, figures, &Place::Shares(base.to_owned()));
        }
    }
    if bases.len() > 1 {
        line(&mut text, "\n## Sizes\n");
        sizes(&mut text, report, &bases);
        show(&mut text, figures, &Place::Sizes);
    }
    foot(&mut text, report);
    text
}

/// The figures of a place.
fn show(text: &mut String, figures: &[Figure], place: &Place) {
    for Figure { path, .. } in figures.iter().filter(|figure| figure.place == *place) {
        let name = path.rsplit('/').next().unwrap_or(path);
        line(text, &format!("\n![{name}]({path})"));
    }
}

/// How large the bases are.
fn sizes(text: &mut String, report: &StudyReport, bases: &[&str]) {
    line(text, "| base | parameters |\n|---|---:|");
    for base in bases {
        let row = report.rows.iter().find(|row| row.base == *base);
        let parameters = row.map_or(0, |row| row.parameters);
        line(text, &format!("| {base} | {parameters} |"));
    }
}

/// Writing to a string does not fail.
fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

fn head(report: &StudyReport) -> String {
    let StudyReport { recipe, .. } = report;
    let mut text = format!("# Study of {recipe}\n\n");
    let (conversations, file) = (report.held_out_conversations, &report.held_out);
    let steps = report.cells.iter().map(|cell| cell.score.steps).max();
    let steps = steps.unwrap_or_default();
    line(
        &mut text,
        &format!(
            "Measured on {} ({}) of `{file}`, none of whose instructions \
             is trained on. In percent: the mean over seeds, ± their standard deviation; the best of a share in bold \
             (of hallucinations, the lowest).",
            counted(
                conversations,
                "held-out conversation",
                "held-out conversations"
            ),
            counted(steps, "step", "steps")
        ),
    );
    if let Some(PlayedTasks { world, tasks }) = report.held_out_tasks {
        line(
            &mut text,
            &format!(
                "\nPassed: of {} of world {world}, judged by what the world knows; solvable: of those \
                 that can be done; given up: how many, and how many of them rightly. In brackets 95 % intervals over \
                 seeds and tasks.",
                counted(tasks, "held-out task", "held-out tasks")
            ),
        );
    }
    let done = report.cells.len() + report.left_out.len();
    if done < report.cells_planned {
        let planned = report.cells_planned;
        line(
            &mut text,
            &format!("\n**Not complete: {done} of {planned} cells are done.**"),
        );
    }
    text
}

fn heads(first: &[&str], played: &[PlayedRow]) -> String {
    let mut heads: Vec<String> = first.iter().map(|&head| head.to_owned()).collect();
    heads.extend(StudyMetric::ALL.map(|metric| metric.title().to_owned()));
    for PlayedRow { strategy, .. } in played {
        for head in ["passed", "solvable", "given up"] {
            heads.push(format!("{head}, {strategy}"));
        }
    }
    let under = heads.iter().enumerate().map(|(index, _)| match index {
        0 => "---",
        _ => "---:",
    });
    let under: Vec<&str> = under.collect();
    format!("| {} |\n|{}|", heads.join(" | "), under.join("|"))
}

/// What is played in all rows: those of a study have the same strategies.
fn played<'r>(rows: &[&'r Row]) -> &'r [PlayedRow] {
    rows.first().map_or(&[], |row| row.played.as_slice())
}

fn comparison(text: &mut String, rows: &[&Row]) {
    line(
        text,
        &heads(
            &["arrangement", "seeds", "tokens", "computed", "of GLPFT"],
            played(rows),
        ),
    );
    for row in rows {
        let cells = vec![
            row.title(),
            row.seeds.to_string(),
            format!("{:.0}", row.tokens),
            format!("{:.0}", row.computed_tokens),
            of_glpft(row, rows),
        ];
        line(text, &table_line(cells, row));
    }
    for index in 0..played(rows).len() {
        against_single(text, rows, index);
    }
}

/// The tokens that a row computes over those of GLPFT with the recipe's epochs, which every budget is measured by.
fn of_glpft(row: &Row, rows: &[&Row]) -> String {
    let mut glpft = rows.iter().filter(|other| {
        other.arrangement == Compared::Glpft && !matches!(other.budget, Budget::Split(_))
    });
    glpft.next().map_or("–".to_owned(), |glpft| {
        format!(
            "{:.2}",
            row.computed_tokens / glpft.computed_tokens.max(1.0)
        )
    })
}

/// How far an arrangement is ahead of Single-LLM, and how sure that is.
fn against_single(text: &mut String, rows: &[&Row], index: usize) {
    let differences = rows.iter().filter_map(|row| {
        let played = row.played.get(index)?;
        let above = played.pass_above_single.as_ref()?;
        let (points, name) = (100.0 * above.mean, row.title());
        Some(format!("{name} {points:+.1}{}", interval(above)))
    });
    let differences: Vec<String> = differences.collect();
    if let Some(played) = played(rows).get(index)
        && !differences.is_empty()
    {
        let (strategy, all) = (&played.strategy, differences.join("; "));
        line(
            text,
            &format!("\nPassed, {strategy}, in points above Single-LLM: {all}."),
        );
    }
}

fn scaling(text: &mut String, rows: &[&Row]) {
    let first = ["arrangement", "share", "queries", "steps", "tokens"];
    line(text, &heads(&first, played(rows)));
    for row in rows {
        let cells = vec![
            row.title(),
            row.fraction.to_string(),
            format!("{:.0}", row.queries),
            format!("{:.0}", row.steps),
            format!("{:.0}", row.tokens),
        ];
        line(text, &table_line(cells, row));
    }
}

fn table_line(mut cells: Vec<String>, row: &Row) -> String {
    cells.extend(StudyMetric::ALL.map(|metric| estimate(row.metric(metric))));
    for played in &row.played {
        let (all, rightly) = (played.given_up, played.rightly_given_up);
        cells.push(estimate(Some(&played.pass)));
        cells.push(estimate(played.solvable_pass.as_ref()));
        cells.push(format!("{all:.1}, {rightly:.1} rightly"));
    }
    format!("| {} |", cells.join(" | "))
}

/// Its ends in percent, in brackets after a space; nothing where there is none.
fn interval(estimate: &Estimate) -> String {
    estimate.interval.map_or_else(String::new, |[low, high]| {
        format!(" ({:.1} to {:.1})", 100.0 * low, 100.0 * high)
    })
}

fn estimate(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    let mean = format!("{:.2}", 100.0 * estimate.mean);
    let mean = match estimate.best {
        true => format!("**{mean}**"),
        false => mean,
    };
    match estimate.deviation {
        _ if estimate.interval.is_some() => mean + &interval(estimate),
        Some(deviation) => format!("{mean} ± {:.2}", 100.0 * deviation),
        None => mean,
    }
}

fn foot(text: &mut String, report: &StudyReport) {
    if !report.left_out.is_empty() {
        line(text, "\n## Left out\n");
        for left_out in &report.left_out {
            line(text, &format!("- {}: {}", left_out.cell, left_out.why));
        }
    }
    line(text, "\n## How to read it\n");
    line(
        text,
        "Every stage trains as the recipe says (epochs, learning rate), whatever the arrangement, as in the paper: the \
         arrangements therefore do not take equally many steps. Where \"equal tokens\" or a share of the global stage \
         stands behind a name, stages end after so many steps that the arrangement computes as many tokens as GLPFT does, \
         to a step; the learning rate falls to zero there. Tokens are those of the examples, computed ones those that the \
         model is run on: fewer, since shared beginnings are computed once. One-stage trains the roles alone, with their \
         settings; multi-task trains one model on all three role datasets with the global stage's; GLPFT does both stages, and \
         without reuse each on half of the queries. Steps and tokens are those of all stages of an arrangement, shared \
         ones included. Shares are of queries, nested for each seed; another seed draws other shares, weights and \
         orders.\n",
    );
    let cost = &report.cost;
    line(
        text,
        &format!(
            "{} trained and {} used again; training took {:.0} s for {} tokens, measuring {:.0} s \
             ({}, {}, glpft {}).",
            counted(cost.stages_trained, "stage was", "stages were"),
            cost.stages_shared,
            cost.training_seconds,
            cost.tokens,
            cost.evaluation_seconds,
            report.device,
            counted(report.threads, "thread", "threads"),
            report.version,
        ),
    );
    line(text, &format!("\nEvaluation: `{}`", report.evaluation));
}
