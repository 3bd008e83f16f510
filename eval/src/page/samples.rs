//! Steps, right and wrong.

use maud::{Markup, html};

use super::diff;
use super::model::EvaluationPart;
use super::number::{count, percent, plural};
use super::sample::{Kind, KindSamples, Sample, StepText};
use super::text::{Foreign, beginning};

/// The samples of an evaluation, a fold for each kind.
pub(super) fn samples(evaluation: &EvaluationPart) -> Markup {
    let all: u64 = evaluation.samples.iter().map(|kind| kind.steps).sum();
    let wrong = |kind: &&KindSamples| kind.steps > 0 && kind.kind != Kind::Right;
    let first_wrong = evaluation.samples.iter().find(wrong).map(|kind| kind.kind);
    html! {
        p.note {
            "Marked in the reference: words that the prediction " del { "lacks" } ". Marked in the prediction: words "
            ins { "of its own" } ". Steps of a kind are picked evenly over the data."
        }
        @for kind in evaluation.samples.iter().filter(|kind| kind.steps > 0) {
            details.kind.right[kind.kind == Kind::Right] open[Some(kind.kind) == first_wrong] {
                summary { (head(kind, all)) }
                @for sample in &kind.samples { (one(sample)) }
            }
        }
    }
}

fn head(kind: &KindSamples, all: u64) -> Markup {
    let share = kind.steps as f64 / all.max(1) as f64;
    html! {
        span.kind-name { (kind.kind.title()) }
        span.kind-count { (plural(kind.steps, "step", "steps")) " · " (percent(share)) " %" }
        span.kind-meaning { (kind.kind.meaning()) }
    }
}

fn one(sample: &Sample) -> Markup {
    let said_nothing_after = sample.said.text.is_empty() && sample.reference.text.is_empty();
    html! {
        article.sample {
            div.sample-head {
                span { "step " (count(sample.index + 1)) }
                span { (plural(sample.tools as u64, "tool", "tools")) }
                @if let Some(f1) = sample.f1 { span { "argument F1 " (percent(f1)) } }
                @if let Some(rouge) = sample.rouge { span { "ROUGE-L " (percent(rouge)) } }
                @if sample.hallucinated { span.bad { "calls a tool that was not offered" } }
            }
            @if let Some(instruction) = &sample.instruction {
                @let (shown, more) = beginning(instruction);
                p.instruction { (Foreign(shown)) @if more > 0 { " …" } }
            }
            div.part-name { "planner" }
            (diff::sides(&sample.reference.planner, &sample.said.planner))
            @if !said_nothing_after {
                div.part-name { (roles(&sample.reference, &sample.said)) }
                (diff::sides(&sample.reference.text, &sample.said.text))
            }
        }
    }
}

/// Who speaks after the planner: in the reference, and in the prediction where that is another.
fn roles(reference: &StepText, said: &StepText) -> Markup {
    let name = |text: &StepText| match text.role.as_str() {
        "caller" => "caller",
        "conclusion" => "summarizer",
        _ => "nobody",
    };
    html! {
        (name(reference))
        @if name(reference) != name(said) { " · in the prediction " (name(said)) }
    }
}
