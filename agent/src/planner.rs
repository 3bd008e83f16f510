//! What a model generated, made fit to be passed on.

use glpft_data::python::strip;
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP};

use crate::decision::Plan;

/// Stands for an output that says nothing, and for an action that is not there.
pub const NOTHING: &str = "none";

/// In this order: a planner that names two ways takes the first of these, wherever it stands in the text.
const TAGS: [(&str, Plan); 3] = [
    (NEXT_GIVE_UP, Plan::GiveUp),
    (NEXT_CONCLUSION, Plan::Finish),
    (NEXT_CALLER, Plan::Call),
];

/// An output without a leading `: `; `none` where nothing but white space, a full stop or a comma is left
/// (α-UMi, `infer_pipeline.py`, for all three roles).
///
/// A prompt ends in `assistant: `, whose last space many tokenizers cannot end a text with; a model then completes
/// the heading before it answers.
pub fn clean_output(output: &str) -> &str {
    let output = output.strip_prefix(": ").unwrap_or(output);
    match strip(output) {
        "" | "." | "," => NOTHING,
        _ => output,
    }
}

/// A planner's turn: its text, and who comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannerTurn {
    /// The text, which ends with the tag of `next`.
    pub text: String,
    /// Who comes next.
    pub next: Plan,
}

impl PlannerTurn {
    /// Whether an output says who comes next.
    pub fn has_tag(output: &str) -> bool {
        TAGS.iter().any(|(tag, _)| output.contains(tag))
    }

    /// Reads a planner's raw output (α-UMi, `infer_pipeline.py`).
    ///
    /// After [`clean_output`], the text is cut behind the first `Next: give up.`; without one behind the first
    /// `Next: conclusion.`; without one behind the first `Next: caller.`. A text with no tag gets `Next: caller.`
    /// at its end, with no space between.
    pub fn read(output: &str) -> Self {
        let text = clean_output(output);
        for (tag, next) in TAGS {
            if let Some((before, _)) = text.split_once(tag) {
                return Self {
                    text: format!("{before}{tag}"),
                    next,
                };
            }
        }
        Self {
            text: format!("{text}{NEXT_CALLER}"),
            next: Plan::Call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_that_say_nothing_are_none() {
        for output in ["", ".", ",", " \n", " . ", ": ", ": ,", "\u{a0}.\u{1c}"] {
            assert_eq!(clean_output(output), "none", "{output:?}");
        }
        for (output, clean) in [
            (": text", "text"),
            (": : text", ": text"),
            (":text", ":text"),
            (" : text", " : text"),
            ("  text \n", "  text \n"),
            ("..", ".."),
        ] {
            assert_eq!(clean_output(output), clean, "{output:?}");
        }
    }

    #[test]
    fn turns_end_with_their_tag() {
        for (output, text, next) in [
            (": a\n Next: caller. b", "a\n Next: caller.", Plan::Call),
            (
                "a Next: conclusion.</s>x",
                "a Next: conclusion.",
                Plan::Finish,
            ),
            ("Next: give up.", "Next: give up.", Plan::GiveUp),
            // The order of the tags decides, not their place; the first of its kind cuts.
            (
                "a Next: caller. b Next: conclusion. c Next: give up. d Next: give up.",
                "a Next: caller. b Next: conclusion. c Next: give up.",
                Plan::GiveUp,
            ),
            (
                "a Next: caller. b Next: conclusion. c",
                "a Next: caller. b Next: conclusion.",
                Plan::Finish,
            ),
            ("a Next: caller", "a Next: callerNext: caller.", Plan::Call),
            ("no tag", "no tagNext: caller.", Plan::Call),
            ("", "noneNext: caller.", Plan::Call),
            (": ,", "noneNext: caller.", Plan::Call),
        ] {
            let turn = PlannerTurn::read(output);
            assert_eq!((turn.text.as_str(), turn.next), (text, next), "{output:?}");
        }
    }
}
