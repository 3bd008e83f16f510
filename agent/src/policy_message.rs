//! What is said at one step.

use std::fmt;

use glpft_data::python::{is_space, json, strip};
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Turn, call_turns};
use glpft_recipes::Behaviour;
use serde_json::{Map, Value};

use crate::decision::Decision;
use crate::generate::{Measure, Role};
use crate::parse::parse_step;
use crate::step::Prediction;
use crate::usage::Cost;
use crate::usage::Usage;

/// The name of the function that ends a path.
pub const FINISH: &str = "Finish";

/// The arguments of [`FINISH`] that give up.
const GIVE_UP: &str = r#"{"return_type": "give_up_and_restart"}"#;

/// What a policy said at one step: a thought, and a call of a function or of [`FINISH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyMessage {
    /// The thought, without a tag for who comes next; `None` where a message has no content.
    pub thought: Option<String>,
    /// The function; [`FINISH`] to answer or to give up.
    pub function: String,
    /// The arguments, as they were written. Those of [`FINISH`]: `{"return_type": "give_answer", "final_answer": …}` or
    /// `{"return_type": "give_up_and_restart"}`.
    pub arguments: String,
    /// The same as turns: what stands in later prompts. They are those that data makes of the message, so a model that is
    /// trained on a rollout reads what the policy read.
    pub turns: Vec<Turn>,
    /// What saying it cost.
    pub usage: Usage,
    /// Whether a limit of tokens ended what a model wrote.
    pub cut: bool,
    /// How many whole turns, the oldest, its prompts lack since they did not fit; of several prompts the most.
    pub left_out: usize,
    /// The prompt that fits no model; nobody was asked then, and the step gives up.
    pub too_long: Option<TooLong>,
}

/// A prompt that is longer than its model can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Whose prompt.
    pub role: Role,
    /// How long it is, and how long it may be.
    pub measure: Measure,
}

/// As a sentence that names all numbers.
impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measure {
            prompt_tokens,
            room,
            positions,
        } = self.measure;
        let role = self.role.name();
        write!(
            f,
            "the {role}'s prompt has {prompt_tokens} tokens, and {room} fit: its model's maximum context length is \
             {positions} tokens, prompt and answer together"
        )
    }
}

impl PolicyMessage {
    /// What a message of ToolBench's kind says: its content, and the function call's name and arguments.
    pub fn from_message(thought: Option<&str>, function: &str, arguments: &str) -> Self {
        Self {
            thought: thought.map(str::to_owned),
            function: function.to_owned(),
            arguments: arguments.to_owned(),
            turns: call_turns(thought, function, arguments),
            usage: Usage::default(),
            cut: false,
            left_out: 0,
            too_long: None,
        }
    }

    /// A thought that nothing came of: neither a call nor an answer.
    pub fn unfinished(thought: Option<&str>) -> Self {
        Self {
            turns: Vec::new(),
            ..Self::from_message(thought, "", "")
        }
    }

    /// Whether it is neither a call nor an answer.
    pub fn is_unfinished(&self) -> bool {
        self.function.is_empty() && self.turns.is_empty()
    }

    /// What it cost.
    pub(crate) fn with_cost(self, cost: Cost) -> Self {
        Self {
            usage: Usage {
                shortened_steps: usize::from(cost.left_out > 0),
                refused_steps: usize::from(self.too_long.is_some()),
                ..cost.usage
            },
            left_out: cost.left_out,
            ..self
        }
    }

    /// A step whose prompt is too long for its model.
    pub(crate) fn too_long(too_long: TooLong) -> Self {
        Self {
            too_long: Some(too_long),
            ..Self::give_up(None)
        }
    }

    /// An answer.
    pub fn answer(thought: Option<&str>, answer: &str) -> Self {
        let mut arguments = Map::new();
        arguments.insert("return_type".to_owned(), "give_answer".into());
        arguments.insert("final_answer".to_owned(), answer.into());
        // Two strings can be written; if they could not, there would be no answer to give.
        let arguments = json::dumps(&Value::Object(arguments)).unwrap_or_default();
        Self::from_message(thought, FINISH, &arguments)
    }

    /// A give-up.
    pub fn give_up(thought: Option<&str>) -> Self {
        Self::from_message(thought, FINISH, GIVE_UP)
    }

    /// What models wrote, by the rules of [`parse_step`].
    pub fn from_prediction(prediction: &Prediction) -> Self {
        let thought = thought(&prediction.planner.text);
        // With `Fixed` every text is a step.
        match parse_step(&prediction.to_string(), Behaviour::Fixed) {
            Ok(Decision::Call { action, input }) => Self::from_message(thought, &action, &input),
            Ok(Decision::Finish { answer }) => Self::answer(thought, &answer),
            Ok(Decision::GiveUp) | Err(_) => Self::give_up(thought),
        }
    }

    /// The same call of another name, as ToolBench renames calls of functions that do not exist.
    pub(crate) fn renamed(&self, function: &str) -> Vec<Turn> {
        call_turns(self.thought.as_deref(), function, &self.arguments)
    }
}

/// The thought of a planner's turn: its text without the tag and the line break before that, `None` where nothing is left.
/// A turn of training's form gives the very content that it was made of.
pub(crate) fn thought(planner: &str) -> Option<&str> {
    let before = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP]
        .iter()
        .find_map(|tag| planner.strip_suffix(tag))
        .unwrap_or(planner);
    match before.strip_suffix("\n ") {
        Some(content) => Some(content.trim_start_matches(is_space)),
        None => Some(strip(before)).filter(|content| !content.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::PlannerTurn;
    use glpft_data::Speaker;

    fn said(planner: &str, role: &str) -> PolicyMessage {
        PolicyMessage::from_prediction(&Prediction::new(PlannerTurn::read(planner), role))
    }

    fn turns(said: &PolicyMessage) -> Vec<(Speaker, &str)> {
        let turn = |turn: &'_ Turn| turn.from;
        let values = said.turns.iter().map(|turn| turn.value.as_str());
        said.turns.iter().map(turn).zip(values).collect()
    }

    #[test]
    fn a_step_of_trainings_form_becomes_the_turns_it_was_made_of() {
        let call = said(
            "I ask.\n Next: caller.",
            "Action: f\nAction Input: {\"a\": 1}",
        );
        assert_eq!(call.thought.as_deref(), Some("I ask."));
        assert_eq!((&*call.function, &*call.arguments), ("f", "{\"a\": 1}"));
        assert_eq!(
            turns(&call),
            [
                (Speaker::Assistant, "I ask.\n Next: caller."),
                (Speaker::Caller, "Action: f\nAction Input: {\"a\": 1}")
            ]
        );
        let answer = said("\n Next: conclusion.", "It \"rains\" in Malmö.");
        assert_eq!(answer.thought.as_deref(), Some(""));
        assert_eq!(
            answer.arguments,
            r#"{"return_type": "give_answer", "final_answer": "It \"rains\" in Malm\u00f6."}"#
        );
        assert_eq!(
            turns(&answer),
            [
                (Speaker::Assistant, "\n Next: conclusion."),
                (Speaker::Conclusion, "It \"rains\" in Malmö.")
            ]
        );
        let give_up = said(" Next: give up.", "");
        assert_eq!(give_up.thought, None);
        assert_eq!((&*give_up.function, &*give_up.arguments), (FINISH, GIVE_UP));
        assert_eq!(turns(&give_up), [(Speaker::Assistant, " Next: give up.")]);
    }

    #[test]
    fn other_forms_are_brought_to_it() {
        for (planner, role, thought, function, arguments) in [
            (
                "I ask. Next: caller.",
                "Action: f",
                Some("I ask."),
                "f",
                "{}",
            ),
            ("Next: caller.", "none", None, "none", "{}"),
            ("no tag", "Action Input: 1", Some("no tag"), "none", "1"),
            ("", "Action: f\nAction Input: x", Some("none"), "f", "x"),
            (
                " \tI ask.\n Next: caller.",
                "Action: Finish\nAction Input: {}",
                Some("I ask."),
                "Finish",
                "{}",
            ),
            // Without its full stop it is no tag, but means an answer, here as in the static evaluation.
            (
                "I know. Next: conclusion",
                "x",
                Some("I know. Next: conclusion"),
                FINISH,
                "{\"return_type\": \"give_answer\", \"final_answer\": \"asssitant: I know. Next: conclusionNext: caller.caller: x\"}",
            ),
            (
                "t\n Next: caller.",
                "Action: f\nAction Input: Next: give up",
                Some("t"),
                FINISH,
                GIVE_UP,
            ),
        ] {
            let said = said(planner, role);
            assert_eq!(said.thought.as_deref(), thought, "{planner:?}");
            assert_eq!(
                (&*said.function, &*said.arguments),
                (function, arguments),
                "{planner:?}"
            );
        }
    }
}
