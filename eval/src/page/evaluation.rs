//! An evaluation: metrics, plans, roles, samples.

use maud::{Markup, html};

use super::confusion;
use super::facts::{self, cell};
use super::metrics;
use super::model::{EvaluationPart, RolePart, RunPage};
use super::number::{about, count, plural, time};
use super::samples;
use super::text::Foreign;
use crate::report::MetricReport;

const COMMAND: &str = "glpft eval static RUN --data FILE";
const AGAIN: &str = "glpft eval static RUN --data FILE --overwrite";

/// Every evaluation of the run.
pub(super) fn body(page: &RunPage) -> Markup {
    html! {
        @if page.evaluations.is_empty() {
            (facts::missing("This run has not been evaluated. To measure its team on held-out steps:", Some(COMMAND)))
        }
        @for evaluation in &page.evaluations {
            div.evaluation {
                @if page.evaluations.len() > 1 || evaluation.name != "static" {
                    h3 { (Foreign(&evaluation.name)) }
                }
                (one(evaluation))
            }
        }
    }
}

fn one(evaluation: &EvaluationPart) -> Markup {
    if !evaluation.others.is_empty() {
        let others = evaluation.others.join(", ");
        let told = format!(
            "The {others} that was evaluated is not the one that the run has now, so nothing of it is shown. To measure \
             the run's team again:"
        );
        return facts::missing(&told, Some(AGAIN));
    }
    html! {
        @if !evaluation.finished {
            (facts::missing(
                "This evaluation is unfinished: what follows is of the steps answered so far. The same command goes on \
                 with it.",
                None,
            ))
        }
        @match &evaluation.scores {
            None => p.missing { "No step is answered yet." },
            Some(scores) => {
                p.note { (steps(scores)) }
                (metrics::table(scores))
                div.columns {
                    div { (confusion::matrix(&scores.confusion)) (notes(scores)) }
                    div { (about_it(evaluation)) }
                }
            }
        }
        (roles(evaluation))
        @if evaluation.scores.is_some() {
            h3 { "Samples" }
            (samples::samples(evaluation))
        }
    }
}

fn steps(scores: &MetricReport) -> String {
    let counts = &scores.counts;
    let of = match counts.trajectories {
        Some(number) => format!(" of {}", plural(number, "trajectory", "trajectories")),
        None => String::new(),
    };
    format!(
        "{}{of}: {} call, {} answer, {} give up.",
        plural(counts.steps, "step", "steps"),
        count(counts.reference.call),
        count(counts.reference.finish),
        count(counts.reference.give_up),
    )
}

fn notes(scores: &MetricReport) -> Markup {
    let more = scores.problems().saturating_sub(scores.notes.len() as u64);
    html! {
        @if !scores.notes.is_empty() {
            details.fold {
                summary { (plural(scores.problems(), "text", "texts")) " that the metrics had to mend or skip" }
                ul {
                    @for note in &scores.notes {
                        li { "entry " (note.entry) ": the " (note.which) " " (Foreign(&note.problem)) }
                    }
                    @if more > 0 { li { "… and " (count(more)) " more" } }
                }
            }
        }
    }
}

fn about_it(evaluation: &EvaluationPart) -> Markup {
    let about = evaluation.about.iter();
    let about: Vec<_> = about
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    html! { @if !about.is_empty() { (facts::list(&about)) } }
}

fn roles(evaluation: &EvaluationPart) -> Markup {
    let row = |role: &RolePart| {
        let share = role.cached_tokens as f64 / role.prompt_tokens.max(1) as f64;
        vec![
            cell(&role.role),
            cell(count(role.requests)),
            cell(about(role.prompt_tokens as f64)),
            cell(match role.prompts_at_limit {
                Some(most) => format!("at most {}", count(most)),
                None => count(role.prompts_cut),
            }),
            cell(format!("{:.0} %", 100.0 * share)),
            cell(count(role.new_tokens)),
            cell(count(role.cut)),
            cell(count(role.empty)),
            cell(time(role.seconds)),
        ]
    };
    let head = [
        "role",
        "asked",
        "prompt tokens",
        "prompts cut",
        "from the cache",
        "new tokens",
        "answers cut",
        "empty",
        "time",
    ];
    let rows: Vec<_> = evaluation.roles.iter().map(row).collect();
    let times: Vec<String> = evaluation
        .times
        .iter()
        .filter(|(_, seconds)| *seconds > 0.0)
        .map(|(part, seconds)| format!("{part} {}", time(*seconds)))
        .collect();
    html! {
        @if !rows.is_empty() { (facts::table(&head, &rows)) }
        @if !times.is_empty() { p.note { "Time: " (Foreign(&times.join(", "))) "." } }
    }
}
