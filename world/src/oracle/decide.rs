//! What comes next on a path, read off what was called so far.

use glpft_data::python::json::dumps;
use glpft_data::{Speaker, Turn};
use serde_json::{Map, Value};

use super::Manner;
use crate::plan::{Plan, Step, Way};
use crate::world::World;

/// The next step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    Call {
        /// What is known and needed: the thought up to the function.
        reason: String,
        function: String,
        arguments: Map<String, Value>,
    },
    Answer {
        thought: String,
        answer: String,
    },
    GiveUp {
        thought: String,
    },
}

pub(super) fn decide(world: &World, plan: &Plan, manner: Manner, turns: &[Turn]) -> Next {
    let name = |way: &Way| world.toolbox.apis[way.api].function.name.as_str();
    let called: Vec<&Turn> = turns
        .iter()
        .filter(|turn| turn.from == Speaker::Caller)
        .collect();
    let is_way = |turn: &Turn, way: &Way| is_call(turn, name(way), &way.arguments);
    let was_called = |way: &Way| called.iter().any(|turn| is_way(turn, way));
    let had_failed = |way: &Way| !way.works && is_told_as_failed(turns, name(way), &way.arguments);
    if manner == Manner::Exact && !plan.is_solvable() {
        let missing = plan.steps.last();
        let reason = missing.map_or_else(String::new, |step| needed(world, step));
        return give_up(reason, false);
    }
    for step in &plan.steps {
        if step.ways.iter().any(|way| way.works && was_called(way)) {
            continue;
        }
        let failed_here = step.ways.iter().any(was_called);
        if manner == Manner::EasilyBeaten && failed_here {
            return give_up(failed(step), true);
        }
        let untried = step.ways.iter().find(|way| match manner {
            Manner::Exact => way.works,
            _ => !was_called(way) && !had_failed(way),
        });
        let Some(way) = untried else {
            let reason = match failed_here {
                true => failed(step),
                false => format!("{}{}", learned(plan, step), needed(world, step)),
            };
            return give_up(reason, !step.ways.is_empty());
        };
        // The last call was for nothing that is needed, or went wrong.
        let astray = called.last().is_some_and(|turn| {
            let mut ways = plan.steps.iter().flat_map(|step| &step.ways);
            !ways.any(|way| is_way(turn, way))
        });
        let reason = if failed_here {
            failed(step)
        } else if astray {
            format!("This does not help. {}", needed(world, step))
        } else {
            format!("{}{}", learned(plan, step), needed(world, step))
        };
        return Next::Call {
            reason,
            function: name(way).to_owned(),
            arguments: way.arguments.clone(),
        };
    }
    Next::Answer {
        thought: format!("Now I know {}.", plan.asked),
        answer: plan.answer.clone(),
    }
}

/// Whether a caller's turn is this very call.
pub(super) fn is_call(turn: &Turn, function: &str, arguments: &Map<String, Value>) -> bool {
    let arguments = dumps(arguments).unwrap_or_default();
    turn.value == format!("Action: {function}\nAction Input: {arguments}")
}

/// The end where nothing is left to try; `tried`: something was, now or before.
fn give_up(reason: String, tried: bool) -> Next {
    let other = if tried { "other " } else { "" };
    let thought = format!("{reason} No {other}function tells it.");
    Next::GiveUp { thought }
}

/// What a step is for, said before it. An id is thought of after the function's name, which is where one sees that it takes
/// one.
fn needed(world: &World, step: &Step) -> String {
    let need = &step.need;
    match &step.purpose {
        None => format!("I need {need}."),
        Some(purpose) => {
            let function = &world.toolbox.apis[purpose.api].function.name;
            let wanted = &purpose.need;
            format!("I need {wanted}. I call {function} when I know {need}.")
        }
    }
}

/// The same after a call that told nothing.
fn failed(step: &Step) -> String {
    format!("This call failed. I need {}.", step.need)
}

/// What the step's arguments are known from.
fn learned(plan: &Plan, step: &Step) -> String {
    let sentences = step
        .needs
        .iter()
        .filter_map(|needed| plan.steps.get(*needed)?.learned.as_deref());
    sentences.map(|sentence| format!("{sentence} ")).collect()
}

/// Whether the user says that this call was tried before: later turns of the user list what was.
fn is_told_as_failed(turns: &[Turn], function: &str, arguments: &Map<String, Value>) -> bool {
    let arguments = dumps(arguments).unwrap_or_default();
    let escaped = Value::from(arguments).to_string();
    let escaped = escaped.trim_matches('"');
    turns
        .iter()
        .skip(1)
        .filter(|turn| turn.from == Speaker::User)
        .any(|turn| turn.value.contains(function) && turn.value.contains(escaped))
}
