//! The text of a whole step as a decision.

use glpft_data::python::strip;
use glpft_recipes::Behaviour;

use crate::decision::Decision;
use crate::planner::NOTHING;

/// Ends a turn in the text of a step.
pub(crate) const SEPARATOR: &str = "</s>";
/// The beginnings of the planner's tags: the published script looks for them without their full stop.
const GIVE_UP: &str = "Next: give up";
const CONCLUSION: &str = "Next: conclusion";
/// Heads the summarizer's part; the space belongs to it, though the published script tests without it.
const ANSWER: &str = "conclusion: ";
pub(crate) const ANSWER_WITHOUT_SPACE: &str = "conclusion:";
/// Heads a call's function.
pub(crate) const ACTION: &str = "Action:";
/// Heads a call's arguments.
pub(crate) const INPUT: &str = "Action Input:";
const NO_INPUT: &str = "{}";

/// Why the published script ends with an error at a step. Only [`Behaviour::Compat`] meets these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A call without the separator that the caller's part comes after.
    #[error("is a call without `</s>`, which must come before the call")]
    NoSeparator,
    /// An answer's heading that no space ever follows.
    #[error("has `conclusion:`, but nowhere with the space after it that the answer would follow")]
    NoSpaceAfterConclusion,
}

/// Reads the text of a step, a prediction's or a reference's (α-UMi, `evaluate-multi_agent.py`, `parse_output`).
///
/// The first that matches, over the whole text:
/// 1. it holds `Next: give up`: a give-up;
/// 2. it holds `Next: conclusion`: an answer, which is the text after the last `conclusion: ` without any `</s>`; the
///    whole text where `conclusion:` is absent;
/// 3. a call, in the piece between the first `</s>` and the next: the input is what follows the last
///    `Action Input:`, `{}` where there is none; the action what follows the last `Action:`, up to the first
///    `Action Input:` in it, `none` where there is none. Both are stripped.
///
/// # Errors
/// With [`Behaviour::Compat`] where the published script ends with an error. [`Behaviour::Fixed`] reads the whole
/// text instead and has no errors.
pub fn parse_step(text: &str, behaviour: Behaviour) -> Result<Decision, ParseError> {
    if text.contains(GIVE_UP) {
        return Ok(Decision::GiveUp);
    }
    if text.contains(CONCLUSION) {
        let answer = match text.rfind(ANSWER) {
            Some(at) => &text[at + ANSWER.len()..],
            None if behaviour == Behaviour::Compat && text.contains(ANSWER_WITHOUT_SPACE) => {
                return Err(ParseError::NoSpaceAfterConclusion);
            }
            None => text,
        };
        return Ok(Decision::Finish {
            answer: answer.replace(SEPARATOR, ""),
        });
    }
    let call = match text.split(SEPARATOR).nth(1) {
        Some(call) => call,
        None if behaviour == Behaviour::Compat => return Err(ParseError::NoSeparator),
        None => text,
    };
    let input = after_last(call, INPUT).unwrap_or(NO_INPUT);
    let action = match after_last(call, ACTION) {
        Some(action) => action
            .split_once(INPUT)
            .map_or(action, |(action, _)| strip(action)),
        None => NOTHING,
    };
    Ok(Decision::Call {
        action: action.to_owned(),
        input: input.to_owned(),
    })
}

/// What follows the last `marker`, stripped.
fn after_last<'t>(text: &'t str, marker: &str) -> Option<&'t str> {
    text.rfind(marker)
        .map(|at| strip(&text[at + marker.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &str, input: &str) -> Decision {
        Decision::Call {
            action: action.to_owned(),
            input: input.to_owned(),
        }
    }

    fn finish(answer: &str) -> Decision {
        Decision::Finish {
            answer: answer.to_owned(),
        }
    }

    #[test]
    fn both_behaviours_agree_where_the_script_does_not_end() {
        for (text, decision) in [
            (
                "assistant: t\n Next: caller.</s>caller: Action: f\nAction Input: {\"a\": 1}</s>",
                call("f", "{\"a\": 1}"),
            ),
            ("asssitant: t</s>caller: Action: f", call("f", "{}")),
            ("t</s>caller: Action:", call("", "{}")),
            ("t</s>", call("none", "{}")),
            ("t</s>caller: none", call("none", "{}")),
            ("t</s>Action Input: {\"a\": 1}", call("none", "{\"a\": 1}")),
            (
                "t</s>Action:\u{1c}f\u{a0}\nAction Input:\t7 ",
                call("f", "7"),
            ),
            // The last marker counts, then the first input in what follows it; what stands before is not seen.
            (
                "t</s>Action: f\nAction Input: {}\nAction: g\nAction Input: 1\nAction Input: 2",
                call("g", "2"),
            ),
            ("t</s>Action Input: 1 Action: f", call("f", "1 Action: f")),
            // An `Action:` before the first separator or after the second belongs to no call.
            ("Action: f</s>caller: x</s>Action: g", call("none", "{}")),
            ("Action: f</s>", call("none", "{}")),
            ("Next: give up", Decision::GiveUp),
            (
                "Next: conclusion. Next: give up.</s>conclusion: a",
                Decision::GiveUp,
            ),
            (
                "t Next: caller.</s>Action: f\nAction Input: Next: give up",
                Decision::GiveUp,
            ),
            (
                "t Next: conclusion.</s>conclusion: An answer.</s>",
                finish("An answer."),
            ),
            (
                "t Next: conclusion</s>conclusion: a conclusion: b",
                finish("b"),
            ),
            ("t Next: conclusion.</s>conclusion: ", finish("")),
            // Where `conclusion:` is absent the whole text answers, without its separators.
            (
                "t Next: conclusion.</s>An answer</s>",
                finish("t Next: conclusion.An answer"),
            ),
            (
                "Next: caller. Next: conclusion</s>Action: f",
                finish("Next: caller. Next: conclusionAction: f"),
            ),
        ] {
            for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
                assert_eq!(
                    parse_step(text, behaviour).as_ref(),
                    Ok(&decision),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn where_the_script_ends_with_an_error_fixed_reads_the_whole_text() {
        for (text, error, decision) in [
            (
                "caller: Action: f\nAction Input: {}",
                ParseError::NoSeparator,
                call("f", "{}"),
            ),
            ("", ParseError::NoSeparator, call("none", "{}")),
            ("no tag at all", ParseError::NoSeparator, call("none", "{}")),
            (
                "t Next: conclusion.</s>conclusion:\nAn answer",
                ParseError::NoSpaceAfterConclusion,
                finish("t Next: conclusion.conclusion:\nAn answer"),
            ),
            (
                "t Next: conclusion.</s>conclusion:",
                ParseError::NoSpaceAfterConclusion,
                finish("t Next: conclusion.conclusion:"),
            ),
        ] {
            assert_eq!(parse_step(text, Behaviour::Compat), Err(error), "{text}");
            assert_eq!(parse_step(text, Behaviour::Fixed), Ok(decision), "{text}");
        }
    }
}
