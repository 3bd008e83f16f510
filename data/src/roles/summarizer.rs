//! The summarizer's examples.

use super::{History, Steps, rendered};
use crate::example::Example;
use crate::turn::{NO_ANSWER, Speaker};

/// One for each conclusion that says something; one that does not is not shown in the history either.
pub(super) fn examples(steps: &Steps<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut history = History::default();
    let mut thought = "";
    for (index, turn) in steps.turns.iter().enumerate() {
        if turn.from == Speaker::Conclusion {
            if turn.value == NO_ANSWER {
                continue;
            }
            let prompt = steps.prompt(steps.begins(index), &history, thought);
            examples.push(steps.example(index, prompt, &turn.value));
        }
        history.push(steps, index, rendered(turn));
        thought = &turn.value;
    }
    examples
}
