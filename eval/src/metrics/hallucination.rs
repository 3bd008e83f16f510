//! Hallucination rate (`hallu_rate`).

use glpft_agent::{Decision, NOTHING};

/// Whether a step calls a tool that it was not offered.
///
/// hallu_rate = (predicted steps that do) / (all steps). The action `none` is no hallucination, an empty one is. Whether
/// the reference calls anything does not matter. Source: α-UMi, `evaluate-multi_agent.py`, `hallu_rate`.
pub fn is_hallucinated(decision: &Decision, tools: &[String]) -> bool {
    match decision {
        Decision::Call { action, .. } => {
            action != NOTHING && !tools.iter().any(|tool| tool == action)
        }
        Decision::Finish { .. } | Decision::GiveUp => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_were_not_offered() {
        let tools = ["f".to_owned(), "none_such".to_owned()];
        let hallucinated = |action: &str| {
            let call = Decision::Call {
                action: action.to_owned(),
                input: "{}".to_owned(),
            };
            is_hallucinated(&call, &tools)
        };
        for (action, expected) in [
            ("f", false),
            ("none_such", false),
            ("none", false),
            ("", true),
            ("F", true),
            ("f()", true),
            ("invalid_hallucination_function_name", true),
        ] {
            assert_eq!(hallucinated(action), expected, "{action}");
        }
        assert!(!is_hallucinated(&Decision::GiveUp, &[]));
        let finish = Decision::Finish {
            answer: "g".to_owned(),
        };
        assert!(!is_hallucinated(&finish, &[]));
    }
}
