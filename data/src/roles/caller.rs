//! The caller's examples.

use super::{History, Steps, rendered};
use crate::example::Example;
use crate::turn::Speaker;

/// One for each call. A hallucinated call is neither learnt nor shown in the history; the rationale that led to
/// it stays.
pub(super) fn examples(steps: &Steps<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut history = History::default();
    let mut thought = "";
    for (index, turn) in steps.turns.iter().enumerate() {
        let hallucinated = steps.is_hallucinated(index);
        if turn.from == Speaker::Caller && !hallucinated {
            let prompt = steps.prompt(steps.begins(index), &history, thought);
            examples.push(steps.example(index, prompt, &turn.value));
        }
        if !hallucinated {
            history.push(steps, index, rendered(turn));
        }
        thought = &turn.value;
    }
    examples
}
