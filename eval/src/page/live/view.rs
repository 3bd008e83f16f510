//! Rollouts as trees.

use glpft_agent::{Code, FINISH};
use maud::{Markup, html};

use crate::page::live_part::{LivePart, RolloutSample, TreeStep};
use crate::page::number::{count, plural};
use crate::page::text::{Foreign, beginning};
use crate::rollout::End;

/// The samples of an evaluation: those that do not pass first, as they tell more.
pub(super) fn samples(part: &LivePart) -> Markup {
    let [passed, failed] = &part.samples;
    let kinds = [(failed, "Does not pass", false), (passed, "Passes", true)];
    html! {
        @for ((number, samples), title, right) in kinds {
            @if *number > 0 {
                details.kind.right[right] {
                    summary {
                        span.kind-name { (title) }
                        span.kind-count { (plural(*number as u64, "rollout", "rollouts")) }
                        span.kind-meaning { "some of them, evenly over the tasks" }
                    }
                    @for sample in samples { (one(sample)) }
                }
            }
        }
    }
}

fn one(sample: &RolloutSample) -> Markup {
    html! {
        article.sample {
            div.sample-head {
                span { "task " (Foreign(&sample.task)) }
                span { (Foreign(&sample.group)) }
                span { (plural(sample.steps as u64, "step", "steps")) }
                span.bad[!sample.passed] { (Foreign(&sample.reason)) }
            }
            p.instruction { (text(&sample.query)) }
            (list(&sample.tree))
            @match sample.end {
                End::Answer => { div.part-name { "answer" } p.said { (text(&sample.answer)) } },
                End::GiveUp => div.part-name { "It gave up." },
                End::Nothing => div.part-name { "It ended without an answer." },
            }
        }
    }
}

/// Steps that were tried one after the other at the same place, and below each what followed: in the same column as long
/// as there is one way, further in where there are several.
fn list(steps: &[TreeStep]) -> Markup {
    html! {
        @if !steps.is_empty() {
            ul.tree {
                @for step in steps {
                    li {
                        (fold(step))
                        @let (only, branches) = straight(step);
                        @for step in only { (fold(step)) }
                        (list(branches))
                    }
                }
            }
        }
    }
}

/// The steps that follow a step as long as each has one follower, and the several that follow the last.
fn straight(mut step: &TreeStep) -> (Vec<&TreeStep>, &[TreeStep]) {
    let mut only = Vec::new();
    while let [next] = step.children.as_slice() {
        only.push(next);
        step = next;
    }
    (only, &step.children)
}

fn fold(step: &TreeStep) -> Markup {
    let (class, meaning) = meaning(step.code);
    html! {
        details.step {
            summary {
                code { (Foreign(&step.function)) }
                " "
                span class={ "code " (class) } { (meaning) }
                @if step.pruned { " " span.code { "turned back" } }
            }
            @if !step.thought.trim().is_empty() { p.said { (text(&step.thought)) } }
            @if step.function != FINISH || step.code != Some(Code::GaveUp.number()) {
                pre { (text(&step.arguments)) }
            }
            @if !step.observation.is_empty() { pre { (text(&step.observation)) } }
        }
    }
}

fn text(text: &str) -> Markup {
    let (shown, more) = beginning(text);
    html! { (Foreign(shown)) @if more > 0 { span.nothing { " … " (count(more as u64)) " more characters" } } }
}

/// The class and the words of a code of the environment.
fn meaning(code: Option<u8>) -> (&'static str, &'static str) {
    let known = Code::ALL
        .into_iter()
        .find(|known| Some(known.number()) == code);
    let Some(known) = known else {
        return ("", "not taken");
    };
    match known {
        Code::Replied => ("fine", "replied"),
        Code::Answered => ("fine", "answers"),
        Code::GaveUp => ("", "gives up"),
        Code::NoSuchFunction => ("bad", "no such function"),
        Code::UnreadableFinish => ("bad", "unreadable finish"),
        Code::Timeout => ("bad", "timeout"),
        Code::NotWorking => ("bad", "not working"),
        Code::Unauthorized => ("bad", "unauthorized"),
        Code::Unsubscribed => ("bad", "unsubscribed"),
        Code::TooManyRequests => ("bad", "too many requests"),
        Code::RateLimit => ("bad", "rate limit"),
        Code::Message => ("bad", "error message"),
        Code::RequestFailed => ("bad", "request failed"),
    }
}
