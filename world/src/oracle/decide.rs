//! What comes next on a path, read off what was called so far.

use glpft_data::python::json::{dumps, loads};
use glpft_data::{Speaker, Turn};
use serde_json::{Map, Value};

use super::Manner;
use crate::plan::{Plan, Step, Way};
use crate::world::World;

/// The next step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    Call {
        thought: String,
        function: String,
        arguments: Map<String, Value>,
        /// What the call is for.
        need: String,
    },
    Answer {
        thought: String,
        answer: String,
    },
    GiveUp {
        thought: String,
    },
}

/// A call on the path.
struct Called {
    function: String,
    arguments: Option<Map<String, Value>>,
}

pub(super) fn decide(world: &World, plan: &Plan, manner: Manner, turns: &[Turn]) -> Next {
    let called = calls(turns);
    let name = |way: &Way| world.apis[way.api].function.name.as_str();
    let was_called = |way: &Way| {
        called.iter().any(|call| {
            call.function == name(way) && call.arguments.as_ref() == Some(&way.arguments)
        })
    };
    let had_failed = |way: &Way| !way.works && is_told_as_failed(turns, name(way), &way.arguments);
    if manner == Manner::Exact && !plan.is_solvable() {
        let missing = plan.steps.last().map_or("", |step| step.need.as_str());
        return give_up(missing, false);
    }
    for step in &plan.steps {
        if step.ways.iter().any(|way| way.works && was_called(way)) {
            continue;
        }
        let failed_here = step.ways.iter().filter(|way| was_called(way)).count();
        if manner == Manner::EasilyBeaten && failed_here > 0 {
            return give_up(&step.need, true);
        }
        let untried = step.ways.iter().find(|way| match manner {
            Manner::Exact => way.works,
            _ => !was_called(way) && !had_failed(way),
        });
        return match untried {
            None => give_up(&step.need, failed_here > 0),
            Some(way) => {
                let function = name(way);
                // The last call on the path was for something else, or was no call at all.
                let last = called.last();
                let after_way = last.is_some_and(|call| {
                    plan.steps.iter().any(|step| {
                        step.ways.iter().any(|way| {
                            call.function == name(way)
                                && call.arguments.as_ref() == Some(&way.arguments)
                        })
                    })
                });
                let thought = if failed_here > 0 {
                    format!("This call failed. I try {function} for {}.", step.need)
                } else if last.is_some() && !after_way {
                    format!(
                        "This does not help. I need {}. I call {function}.",
                        step.need
                    )
                } else {
                    format!(
                        "{}I need {}. I call {function}.",
                        learned(plan, step),
                        step.need
                    )
                };
                Next::Call {
                    thought,
                    function: function.to_owned(),
                    arguments: way.arguments.clone(),
                    need: step.need.clone(),
                }
            }
        };
    }
    Next::Answer {
        thought: format!("Now I know {}.", plan.asked),
        answer: plan.answer.clone(),
    }
}

fn give_up(need: &str, failed: bool) -> Next {
    let thought = match failed {
        true => format!("This call failed. No other function tells me {need}."),
        false => format!("No function tells me {need}."),
    };
    Next::GiveUp { thought }
}

/// What the step's arguments are known from.
fn learned(plan: &Plan, step: &Step) -> String {
    let sentences = step
        .needs
        .iter()
        .filter_map(|needed| plan.steps.get(*needed)?.learned.as_deref());
    sentences.map(|sentence| format!("{sentence} ")).collect()
}

fn calls(turns: &[Turn]) -> Vec<Called> {
    let call = |turn: &Turn| {
        let (action, input) = turn.value.split_once("\nAction Input:")?;
        Some(Called {
            function: action.strip_prefix("Action: ")?.trim().to_owned(),
            arguments: match loads(input.trim()) {
                Ok(Value::Object(arguments)) => Some(arguments),
                _ => None,
            },
        })
    };
    turns
        .iter()
        .filter(|turn| turn.from == Speaker::Caller)
        .filter_map(call)
        .collect()
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
