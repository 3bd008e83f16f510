//! The backbone's examples: whole steps, as one model would answer them.

use super::{GiveUpPrompt, History, Steps};
use crate::example::{Example, Prompt, Text};
use crate::prompts::history_turn;
use crate::python::strip;
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn};

/// One for each step, hallucinated calls included. The history shows earlier steps joined, as they were learnt.
pub(super) fn examples(steps: &Steps<'_>, give_up: &mut GiveUpPrompt) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut history = History::default();
    for (index, turn) in steps.turns.iter().enumerate() {
        let value = match turn.from {
            // They are part of the step that the assistant's turn begins.
            Speaker::Caller | Speaker::Conclusion => continue,
            Speaker::User | Speaker::Observation => None,
            Speaker::Assistant => joined(steps.turns, index),
        };
        if let Some(step) = &value {
            let own = || steps.prompt(index, &history, "");
            let prompt = prompt(give_up, step.gives_up, own);
            examples.push(steps.example(index, prompt, &step.text));
        }
        history.push(steps, index, shown(turn, value.as_ref()));
    }
    examples
}

/// The turns as a backbone's prompt shows them, earlier steps joined.
pub(super) fn history(turns: &[Turn]) -> Vec<Text> {
    shown_turns(turns).map(|(_, text)| text).collect()
}

/// The same, each with the index of the turn that it begins with.
pub(super) fn shown_turns(turns: &[Turn]) -> impl Iterator<Item = (usize, Text)> {
    turns.iter().enumerate().filter_map(|(index, turn)| {
        let step = match turn.from {
            Speaker::Caller | Speaker::Conclusion => return None,
            Speaker::User | Speaker::Observation => None,
            Speaker::Assistant => joined(turns, index),
        };
        Some((index, shown(turn, step.as_ref())))
    })
}

fn shown(turn: &Turn, step: Option<&Step>) -> Text {
    let text = step.map_or(turn.value.as_str(), |step| &step.text);
    history_turn(turn.from, text)
}

struct Step {
    text: String,
    gives_up: bool,
}

/// Of each step in order, whether it gives up.
pub(crate) fn steps(turns: &[Turn]) -> impl Iterator<Item = bool> {
    let assistants = turns.iter().enumerate();
    let assistants = assistants.filter(|(_, turn)| turn.from == Speaker::Assistant);
    assistants.filter_map(|(index, _)| gives_up(turns, index))
}

/// Whether the step that an assistant's turn begins gives up; none where it is no step.
fn gives_up(turns: &[Turn], index: usize) -> Option<bool> {
    if turns.get(index)?.value.contains(NEXT_GIVE_UP) {
        return Some(true);
    }
    let next = turns.get(index + 1)?.from;
    matches!(next, Speaker::Caller | Speaker::Conclusion).then_some(false)
}

/// An assistant's turn and what it handed over to, as one text; none where it hands over to nobody.
fn joined(turns: &[Turn], index: usize) -> Option<Step> {
    let rationale = turns.get(index)?.value.as_str();
    if gives_up(turns, index)? {
        let rationale = rationale.replace(NEXT_GIVE_UP, "");
        return Some(Step {
            text: format!("{}\nconclusion: give up.", strip(&rationale)),
            gives_up: true,
        });
    }
    let next = turns.get(index + 1)?;
    let (tag, label) = match next.from {
        Speaker::Caller => (NEXT_CALLER, ""),
        Speaker::Conclusion => (NEXT_CONCLUSION, "conclusion: "),
        _ => return None,
    };
    let rationale = rationale.replace(tag, "");
    Some(Step {
        text: format!("{}\n{label}{}", strip(&rationale), next.value),
        gives_up: false,
    })
}

fn prompt(give_up: &mut GiveUpPrompt, gives_up: bool, own: impl FnOnce() -> Prompt) -> Prompt {
    match give_up {
        GiveUpPrompt::Own => own(),
        GiveUpPrompt::Last(Some(last)) if gives_up => last.clone(),
        GiveUpPrompt::Last(_) if gives_up => own(),
        GiveUpPrompt::Last(last) => last.insert(own()).clone(),
    }
}
