//! A step as the agent's loop takes it.

use glpft_agent::PolicyMessage;
use glpft_data::python::json::dumps;
use serde_json::{Map, Value};

use super::decide::Next;

/// A step as it should be.
pub(super) fn said(next: Next) -> PolicyMessage {
    match next {
        Next::Call {
            reason,
            function,
            arguments,
        } => call(Some(&calling(&reason, &function)), &function, &arguments),
        Next::Answer { thought, answer } => PolicyMessage::answer(Some(&thought), &answer),
        Next::GiveUp { thought } => PolicyMessage::give_up(Some(&thought)),
    }
}

/// The thought beside a call.
pub(super) fn calling(reason: &str, function: &str) -> String {
    format!("{reason} I call {function}.")
}

/// A call of a function, its arguments as Python writes them.
pub(super) fn call(
    thought: Option<&str>,
    function: &str,
    arguments: &Map<String, Value>,
) -> PolicyMessage {
    // Texts, numbers and truth values can be written.
    let arguments = dumps(arguments).unwrap_or_default();
    PolicyMessage::from_message(thought, function, &arguments)
}
