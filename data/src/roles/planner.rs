//! The planner's examples.

use super::{History, Steps, rendered};
use crate::example::Example;
use crate::turn::{NEXT_GIVE_UP, Speaker};

/// One for each assistant turn that hands over or gives up. A rationale that led to a hallucinated call is not
/// learnt.
pub(super) fn examples(steps: &Steps<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut history = History::default();
    for (index, turn) in steps.turns.iter().enumerate() {
        if turn.from == Speaker::Assistant {
            let hands_over = matches!(
                steps.next(index),
                Some(Speaker::Caller | Speaker::Conclusion)
            );
            let is_step = hands_over || turn.value.contains(NEXT_GIVE_UP);
            if is_step && !steps.is_hallucinated(index + 1) {
                let prompt = steps.prompt(index, &history, "");
                examples.push(steps.example(index, prompt, &turn.value));
            }
        }
        history.push(steps, index, rendered(turn));
    }
    examples
}
