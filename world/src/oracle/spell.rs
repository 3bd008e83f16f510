//! A step as the agent's loop takes it.

use glpft_agent::{FINISH, Said};
use glpft_data::python::json::dumps;
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn};
use serde_json::json;

use super::decide::Next;

/// A step in the words of training data: a thought, a line break, who comes next.
pub(super) fn said(next: Next) -> Said {
    match next {
        Next::Call {
            thought,
            function,
            arguments,
            ..
        } => call(
            Some(thought),
            function,
            dumps(&arguments).unwrap_or_default(),
        ),
        Next::Answer { thought, answer } => {
            let arguments = json!({"return_type": "give_answer", "final_answer": answer});
            finish(
                Some(thought),
                dumps(&arguments).unwrap_or_default(),
                Some(answer),
            )
        }
        Next::GiveUp { thought } => {
            let arguments = json!({"return_type": "give_up_and_restart"});
            finish(Some(thought), dumps(&arguments).unwrap_or_default(), None)
        }
    }
}

pub(super) fn call(thought: Option<String>, function: String, arguments: String) -> Said {
    let written = format!("Action: {function}\nAction Input: {arguments}");
    Said {
        turns: vec![
            planner(thought.as_deref(), NEXT_CALLER),
            turn(Speaker::Caller, written),
        ],
        thought,
        function,
        arguments,
    }
}

/// `answer`: what the summarizer says; none for a give-up.
pub(super) fn finish(thought: Option<String>, arguments: String, answer: Option<String>) -> Said {
    let mut turns = vec![planner(
        thought.as_deref(),
        match answer {
            Some(_) => NEXT_CONCLUSION,
            None => NEXT_GIVE_UP,
        },
    )];
    turns.extend(answer.map(|answer| turn(Speaker::Conclusion, answer)));
    Said {
        turns,
        thought,
        function: FINISH.to_owned(),
        arguments,
    }
}

fn planner(thought: Option<&str>, tag: &str) -> Turn {
    let span = thought.map_or(String::new(), |thought| format!("{thought}\n"));
    turn(Speaker::Assistant, format!("{span} {tag}"))
}

fn turn(from: Speaker, value: String) -> Turn {
    Turn { from, value }
}
