//! Plan accuracy (`plan_em`).

use glpft_agent::Decision;

/// Whether a step takes the reference's way: call, finish or give-up.
///
/// plan_em = (steps where it does) / (all steps). Source: α-UMi, `evaluate-multi_agent.py`, `plan_em`.
pub(crate) fn plan_matches(predicted: &Decision, reference: &Decision) -> bool {
    predicted.plan() == reference.plan()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_or_answered_does_not_matter() {
        let call = |action: &str| Decision::Call {
            action: action.to_owned(),
            input: "{}".to_owned(),
        };
        let finish = |answer: &str| Decision::Finish {
            answer: answer.to_owned(),
        };
        assert!(plan_matches(&call("f"), &call("g")));
        assert!(plan_matches(&finish("a"), &finish("b")));
        assert!(plan_matches(&Decision::GiveUp, &Decision::GiveUp));
        assert!(!plan_matches(&call("f"), &finish("a")));
        assert!(!plan_matches(&finish("a"), &Decision::GiveUp));
        assert!(!plan_matches(&Decision::GiveUp, &call("f")));
    }
}
