//! Histories without a step to learn: what a role is shown when it is asked.

use super::{backbone, is_hallucinated_call, rendered};
use crate::example::{Dataset, Text};
use crate::turn::{NO_ANSWER, Speaker, Turn};

/// The turns as a dataset's prompts show them before the step that comes next; [`super::examples`] shows its
/// examples the same (but for [`super::GiveUpPrompt::Last`]).
///
/// Planner: as they are. Caller: without hallucinated calls. Summarizer: without conclusions that say nothing.
/// Backbone: an assistant's turn joined with what it handed over to.
///
/// With the role behind the history, every role is shown what the backbone is: `Dataset::Backbone`'s.
pub fn history(turns: &[Turn], dataset: Dataset) -> Vec<Text> {
    let shown = |hidden: fn(&Turn) -> bool| {
        let kept = turns.iter().filter(|turn| !hidden(turn));
        kept.map(rendered).collect()
    };
    match dataset {
        Dataset::Backbone => backbone::history(turns),
        Dataset::Planner => shown(|_| false),
        Dataset::Caller => shown(is_hallucinated_call),
        Dataset::Summarizer => {
            shown(|turn| turn.from == Speaker::Conclusion && turn.value == NO_ANSWER)
        }
    }
}
