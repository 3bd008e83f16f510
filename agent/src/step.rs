//! The text of a whole step, as prediction files write it and as [`crate::parse_step`] reads it.

use std::fmt;

use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Turn};

use crate::decision::Plan;
use crate::planner::{PlannerTurn, clean_output};

/// What a team said at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The planner's turn.
    pub planner: PlannerTurn,
    /// What the caller or the summarizer said, whoever was next; empty for a give-up.
    pub role: String,
}

impl Prediction {
    /// A planner's turn with the raw output of the role it handed over to (`""` for a give-up).
    pub fn new(planner: PlannerTurn, output: &str) -> Self {
        let role = match planner.next {
            Plan::GiveUp => String::new(),
            Plan::Call | Plan::Finish => clean_output(output).to_owned(),
        };
        Self { planner, role }
    }
}

/// As the published pipeline writes it: `asssitant: P</s>caller: C` (its spelling), `asssitant: P</s>conclusion: S`,
/// or P alone for a give-up.
impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (planner, role) = (&self.planner.text, &self.role);
        match self.planner.next {
            Plan::Call => write!(f, "asssitant: {planner}</s>caller: {role}"),
            Plan::Finish => write!(f, "asssitant: {planner}</s>conclusion: {role}"),
            Plan::GiveUp => f.write_str(planner),
        }
    }
}

/// The reference's text of the step that an assistant's turn begins, or none where the turn has no tag: such a turn is
/// not scored (α-UMi, `infer_pipeline.py`, `build_infer_samples`).
///
/// `assistant: …</s>role: …</s>` with the turn that follows; a give-up is its own text alone. A turn that hands over and
/// that nothing follows, where the published script ends with an error, stands without a second part.
pub fn reference_text(turn: &Turn, following: Option<&Turn>) -> Option<String> {
    let text = &turn.value;
    let scored = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP];
    if !scored.iter().any(|tag| text.contains(tag)) {
        return None;
    }
    // The script looks for the caller's tag without its full stop here.
    if !text.contains("Next: caller") && !text.contains(NEXT_CONCLUSION) {
        return Some(text.clone());
    }
    let mut reference = format!("{}: {text}</s>", turn.from.name());
    if let Some(following) = following {
        reference.push_str(&format!(
            "{}: {}</s>",
            following.from.name(),
            following.value
        ));
    }
    Some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Decision;
    use crate::parse::parse_step;
    use glpft_data::Speaker;
    use glpft_recipes::Behaviour;

    fn turn(from: Speaker, value: &str) -> Turn {
        Turn {
            from,
            value: value.to_owned(),
        }
    }

    #[test]
    fn predictions_are_read_back() {
        for (planner, role, text, decision) in [
            (
                "t Next: caller. and more",
                ": Action: f\nAction Input: {}",
                "asssitant: t Next: caller.</s>caller: Action: f\nAction Input: {}",
                Decision::Call {
                    action: "f".to_owned(),
                    input: "{}".to_owned(),
                },
            ),
            (
                "t Next: conclusion.",
                " . ",
                "asssitant: t Next: conclusion.</s>conclusion: none",
                Decision::Finish {
                    answer: "none".to_owned(),
                },
            ),
            ("t Next: give up.", "", "t Next: give up.", Decision::GiveUp),
            (
                "",
                "",
                "asssitant: noneNext: caller.</s>caller: none",
                Decision::Call {
                    action: "none".to_owned(),
                    input: "{}".to_owned(),
                },
            ),
        ] {
            let prediction = Prediction::new(PlannerTurn::read(planner), role).to_string();
            assert_eq!(prediction, text);
            assert_eq!(parse_step(&prediction, Behaviour::Compat), Ok(decision));
        }
    }

    #[test]
    fn references_are_turns_with_what_follows() {
        let caller = turn(Speaker::Caller, "Action: f\nAction Input: {}");
        let answer = turn(Speaker::Conclusion, "Yes.");
        for (text, following, reference) in [
            (
                "t Next: caller.",
                Some(&caller),
                Some("assistant: t Next: caller.</s>caller: Action: f\nAction Input: {}</s>"),
            ),
            (
                "t Next: conclusion.",
                Some(&answer),
                Some("assistant: t Next: conclusion.</s>conclusion: Yes.</s>"),
            ),
            ("t Next: give up.", Some(&answer), Some("t Next: give up.")),
            ("t Next: give up.", None, Some("t Next: give up.")),
            ("t Next: caller", Some(&caller), None),
            ("t", Some(&answer), None),
            (
                "t Next: caller.",
                None,
                Some("assistant: t Next: caller.</s>"),
            ),
            (
                "t Next: give up. Next: caller",
                Some(&caller),
                Some(
                    "assistant: t Next: give up. Next: caller</s>caller: Action: f\nAction Input: {}</s>",
                ),
            ),
        ] {
            let assistant = turn(Speaker::Assistant, text);
            assert_eq!(
                reference_text(&assistant, following).as_deref(),
                reference,
                "{text}"
            );
        }
    }
}
