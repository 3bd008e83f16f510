//! Steps without a rationale: what becomes of them is the recipe's choice.

use glpft_recipes::Rationale;

use super::steps::{calls, thought};
use crate::conversation::Conversation;
use crate::example::Dataset;
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker};

/// Does to a conversation's steps without a rationale what is asked for.
pub(super) fn apply(conversation: &mut Conversation, rationale: Rationale) {
    if rationale == Rationale::Keep {
        return;
    }
    for index in 0..conversation.turns.len() {
        let turn = &conversation.turns[index];
        if turn.from != Speaker::Assistant || thought(&turn.value) != Some("") {
            continue;
        }
        if rationale == Rationale::DropPlanner {
            let planner = (index, Dataset::Planner);
            conversation.marks.untaught.insert(planner);
            continue;
        }
        let next = conversation.turns.get(index + 1);
        let sentence = match next.and_then(calls) {
            Some(name) => format!("I call {name}.\n {NEXT_CALLER}"),
            None if turn.value.contains(NEXT_CONCLUSION) => {
                format!("I can answer now.\n {NEXT_CONCLUSION}")
            }
            None if turn.value.contains(NEXT_GIVE_UP) => {
                format!("I cannot answer this.\n {NEXT_GIVE_UP}")
            }
            None => continue,
        };
        conversation.turns[index].value = sentence;
    }
}
