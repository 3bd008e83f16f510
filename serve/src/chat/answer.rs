//! What a team said, as what a chat's assistant does.

use glpft_agent::{FINISH, PolicyMessage, Usage, readable};
use glpft_data::{Finish, read_finish};

/// The content of an answer that gives up.
pub const GAVE_UP: &str = "I give up: I found no answer with these tools.";

/// What a summarizer's answer begins with.
const HEADING: &str = "conclusion:";

/// An assistant's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The planner's rationale.
    pub rationale: Option<String>,
    pub act: Act,
    pub finish: &'static str,
    pub usage: Option<Usage>,
    /// How many turns, the oldest, the models were not shown since they did not fit.
    pub left_out: usize,
}

/// What the assistant does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Calls a function with the arguments as they were written, which need not be JSON.
    Call { name: String, arguments: String },
    /// Answers.
    Say(String),
    /// Gives up.
    GiveUp,
    /// Neither: a limit ended it before, or the caller called nothing.
    Nothing,
}

impl Answer {
    /// Reads what was said, as a person may read it; the first of the `stop` texts in an answer ends it.
    pub(super) fn new(said: PolicyMessage, stop: &[String]) -> Self {
        let mut cut = said.cut;
        let act = match said.function == FINISH {
            false if said.is_unfinished() => Act::Nothing,
            false => Act::Call {
                name: said.function,
                arguments: said.arguments,
            },
            true => match read_finish(&said.arguments) {
                Some(Finish::GiveUp) => Act::GiveUp,
                read => {
                    let answer = match read {
                        Some(Finish::Answer(answer)) => answer,
                        // What cannot be read as arguments is what was said.
                        _ => said.arguments,
                    };
                    let read = match cut && HEADING.starts_with(answer.trim_start()) {
                        // The limit came inside the heading.
                        true => &answer[answer.len()..],
                        false => readable(&answer),
                    };
                    let shown = before(read, stop);
                    // Else a mark or a stop text ended it before the limit did. What goes at its head ends nothing.
                    cut &= shown.len() == read.len() && ends(&answer) == ends(read);
                    Act::Say(shown.to_owned())
                }
            },
        };
        Self {
            finish: match (&act, cut) {
                (_, true) => "length",
                (Act::Call { .. }, false) => "tool_calls",
                (Act::Say(_) | Act::GiveUp | Act::Nothing, false) => "stop",
            },
            // An empty one, too: a history with and one without it are not the same.
            rationale: said.thought.map(|thought| readable(&thought).to_owned()),
            left_out: said.left_out,
            act,
            // No model speaks without reading.
            usage: Some(said.usage).filter(|usage| usage.prompt_tokens > 0),
        }
    }
}

/// Where a text ends in memory.
fn ends(text: &str) -> *const u8 {
    text.as_bytes().as_ptr_range().end
}

fn before<'t>(text: &'t str, stop: &[String]) -> &'t str {
    let end = stop.iter().filter_map(|stop| text.find(stop)).min();
    &text[..end.unwrap_or(text.len())]
}
