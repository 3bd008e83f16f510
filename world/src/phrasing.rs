//! How users ask: some phrasings are for training, others for tests of unseen instructions.

use crate::draw::Draw;

/// Which phrasings a task may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrasing {
    Train,
    HeldOut,
}

/// `{}` is what is asked for.
const TRAIN: [&str; 9] = [
    "Tell me {}.",
    "I need {}.",
    "Please find {}.",
    "Can you give me {}?",
    "Show me {}.",
    "Please look up {}.",
    "Could you get {}?",
    "I want {}.",
    "What is {}?",
];

const HELD_OUT: [&str; 6] = [
    "Could you find {} for me?",
    "Can you tell me {}?",
    "I want to know {}.",
    "Please give me {}.",
    "Get me {}, please.",
    "Could you please look up {}?",
];

const TRAIN_OPENINGS: [&str; 6] = [
    "I am writing a report.",
    "I want to plan my week.",
    "This is for me and my team.",
    "My friend would like to know more.",
    "Please help me.",
    "It is for a talk at work.",
];

const HELD_OUT_OPENINGS: [&str; 4] = [
    "I am planning a talk.",
    "This is for my friend.",
    "Please help my team.",
    "I would like to know more.",
];

/// What a user says who wants `asked`; a fifth begin with a sentence that asks for nothing.
pub(crate) fn instruction(draw: &mut Draw, phrasing: Phrasing, asked: &str) -> String {
    let (templates, openings) = match phrasing {
        Phrasing::Train => (&TRAIN[..], &TRAIN_OPENINGS[..]),
        Phrasing::HeldOut => (&HELD_OUT[..], &HELD_OUT_OPENINGS[..]),
    };
    let template = draw.pick(templates).copied().unwrap_or("{}");
    let sentence = template.replace("{}", asked);
    match draw.chance(0.2) {
        true => format!(
            "{} {sentence}",
            draw.pick(openings).copied().unwrap_or_default()
        ),
        false => sentence,
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
