//! A single model's step as a team's.

use glpft_data::python::strip;
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP};

use crate::decision::Plan;
use crate::planner::{NOTHING, PlannerTurn, clean_output};
use crate::step::Prediction;

const GIVE_UP: &str = "conclusion: give up";
const ANSWER: &str = "conclusion: ";
/// What the part that calls begins with, whichever comes first.
const CALL: [&str; 2] = ["Action:", "Action Input:"];

impl Prediction {
    /// Reads a whole step that one model wrote (`thought`, then `Action: …\nAction Input: …` or `conclusion: …`)
    /// into the form that teams are scored by (α-UMi, `evaluate-backbone.py`, `parse_output`).
    ///
    /// After [`clean_output`], the first that matches: it holds `conclusion: give up`: a give-up; it holds
    /// `conclusion: `: an answer, which is what follows the last of them; else a call, which begins at the first
    /// `Action:` or `Action Input:` (`none` where there is neither). What stands before is the thought, and gets the
    /// tag that a planner would have ended it with.
    ///
    /// [`crate::parse_step`] then decides as that script does, but for texts that spell what only the team's format
    /// has (`Next: …`, `</s>`): those mean there what they mean in a team's.
    pub fn from_backbone(output: &str) -> Self {
        let text = clean_output(output);
        let planner = |thought: &str, tag: &str, next| PlannerTurn {
            text: format!("{}\n {tag}", strip(thought)),
            next,
        };
        if let Some((thought, _)) = text.split_once(GIVE_UP) {
            return Self::new(planner(thought, NEXT_GIVE_UP, Plan::GiveUp), "");
        }
        if let Some((thought, answer)) = text.rsplit_once(ANSWER) {
            return Self::new(planner(thought, NEXT_CONCLUSION, Plan::Finish), answer);
        }
        let call = CALL.iter().filter_map(|mark| text.find(mark)).min();
        let (thought, call) = match call {
            Some(at) => text.split_at(at),
            None => (text, NOTHING),
        };
        Self::new(planner(thought, NEXT_CALLER, Plan::Call), call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Decision;
    use crate::parse::parse_step;
    use glpft_recipes::Behaviour;

    #[test]
    fn steps_mean_what_the_backbones_own_script_reads() {
        let call = |action: &str, input: &str| Decision::Call {
            action: action.to_owned(),
            input: input.to_owned(),
        };
        let finish = |answer: &str| Decision::Finish {
            answer: answer.to_owned(),
        };
        for (output, text, decision) in [
            (
                "I ask.\nAction: f\nAction Input: {\"a\": 1}",
                "asssitant: I ask.\n Next: caller.</s>caller: Action: f\nAction Input: {\"a\": 1}",
                call("f", "{\"a\": 1}"),
            ),
            // The last of each mark counts, as in the script.
            (
                ": Action: f\nAction Input: 1\nAction: g",
                "asssitant: \n Next: caller.</s>caller: Action: f\nAction Input: 1\nAction: g",
                call("g", "1\nAction: g"),
            ),
            (
                "Action Input: 1 Action: f",
                "asssitant: \n Next: caller.</s>caller: Action Input: 1 Action: f",
                call("f", "1 Action: f"),
            ),
            (
                "I know.\nconclusion: It rains. conclusion: Yes.",
                "asssitant: I know.\nconclusion: It rains.\n Next: conclusion.</s>conclusion: Yes.",
                finish("Yes."),
            ),
            (
                "\nconclusion: ",
                "asssitant: \n Next: conclusion.</s>conclusion: none",
                finish("none"),
            ),
            (
                "I cannot.\nconclusion: give up.",
                "I cannot.\n Next: give up.",
                Decision::GiveUp,
            ),
            // Without the space it is no conclusion there either.
            (
                "conclusion:",
                "asssitant: conclusion:\n Next: caller.</s>caller: none",
                call("none", "{}"),
            ),
            (
                "",
                "asssitant: none\n Next: caller.</s>caller: none",
                call("none", "{}"),
            ),
        ] {
            let prediction = Prediction::from_backbone(output).to_string();
            assert_eq!(prediction, text, "{output:?}");
            for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
                assert_eq!(parse_step(&prediction, behaviour).as_ref(), Ok(&decision));
            }
        }
    }
}
