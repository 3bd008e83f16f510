//! What a tool replied, as a team reads it.

use glpft_recipes::Observations;

use crate::conversation::observation_text;
use crate::python::first_chars;

/// ToolBench's limit of an observation, in characters; what is longer ends in `...` behind it.
pub const OBSERVATION_CHARACTERS: usize = 1024;

/// A reply as an observation, and whether it was cut: as long as in ToolBench's data, and of its `{"error", "response"}`
/// what it says.
pub(super) fn observation(reply: &str, observations: Observations) -> (String, bool) {
    let cut = first_chars(reply, OBSERVATION_CHARACTERS);
    let is_cut = cut.len() < reply.len();
    let text = match is_cut {
        true => format!("{cut}..."),
        false => cut.to_owned(),
    };
    let start = text.trim_start_matches(['{', ' ', '\n']);
    let of_toolbench = start.len() < text.len()
        && (start.starts_with("\"error\":") || start.starts_with("\"response\":"))
        && text.contains("\"response\"");
    let text = match of_toolbench {
        true => observation_text(&text, observations)
            .or_else(|_| observation_text(&text, Observations::ResponseOrError))
            .unwrap_or(text),
        false => text,
    };
    (text, is_cut)
}
