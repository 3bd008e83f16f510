//! What a team said, as what a chat's assistant does.

use glpft_agent::{FINISH, Said, Usage};
use glpft_data::{Finish, read_finish};

/// The content of an answer that gives up.
pub const GAVE_UP: &str = "I give up: I found no answer with these tools.";

/// An assistant's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The planner's rationale.
    pub rationale: Option<String>,
    pub act: Act,
    pub finish: &'static str,
    pub usage: Option<Usage>,
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
}

impl Answer {
    /// Reads what was said; the first of the `stop` texts in an answer ends it.
    pub(super) fn new(said: Said, stop: &[String]) -> Self {
        let act = match said.function == FINISH {
            false => Act::Call {
                name: said.function,
                arguments: said.arguments,
            },
            true => match read_finish(&said.arguments) {
                Some(Finish::GiveUp) => Act::GiveUp,
                Some(Finish::Answer(answer)) => Act::Say(before(answer, stop)),
                // What cannot be read as arguments is what was said.
                None => Act::Say(before(said.arguments, stop)),
            },
        };
        Self {
            finish: match (&act, said.cut) {
                (_, true) => "length",
                (Act::Call { .. }, false) => "tool_calls",
                (Act::Say(_) | Act::GiveUp, false) => "stop",
            },
            // An empty one, too: a history with and one without it are not the same.
            rationale: said.thought,
            act,
            // No model speaks without reading.
            usage: Some(said.usage).filter(|usage| usage.prompt_tokens > 0),
        }
    }
}

fn before(mut text: String, stop: &[String]) -> String {
    if let Some(end) = stop.iter().filter_map(|stop| text.find(stop)).min() {
        text.truncate(end);
    }
    text
}
