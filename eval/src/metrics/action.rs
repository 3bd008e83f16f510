//! Action exact match (`action_em`).

use glpft_agent::{Decision, NOTHING};

/// Whether a step calls the tool that the reference calls, named exactly so; none where the reference calls none.
///
/// action_em = (steps where it does) / (steps whose reference is a call). A step that calls nothing counts as the action
/// `none`, which equals a reference without an `Action:`. Source: α-UMi, `evaluate-multi_agent.py`, `action_em`.
pub(crate) fn action_matches(predicted: &Decision, reference: &Decision) -> Option<bool> {
    match reference {
        Decision::Call { action, .. } => Some(action_of(predicted) == action),
        Decision::Finish { .. } | Decision::GiveUp => None,
    }
}

fn action_of(predicted: &Decision) -> &str {
    match predicted {
        Decision::Call { action, .. } => action,
        Decision::Finish { .. } | Decision::GiveUp => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_where_the_reference_calls() {
        let call = |action: &str| Decision::Call {
            action: action.to_owned(),
            input: "{}".to_owned(),
        };
        let finish = Decision::Finish {
            answer: "f".to_owned(),
        };
        assert_eq!(action_matches(&call("f"), &call("f")), Some(true));
        assert_eq!(action_matches(&call("F"), &call("f")), Some(false));
        assert_eq!(action_matches(&call("f"), &finish), None);
        assert_eq!(action_matches(&call("f"), &Decision::GiveUp), None);
        assert_eq!(action_matches(&finish, &call("f")), Some(false));
        // A reference that names no action is matched by whatever calls nothing.
        assert_eq!(action_matches(&finish, &call("none")), Some(true));
        assert_eq!(action_matches(&Decision::GiveUp, &call("none")), Some(true));
    }
}
