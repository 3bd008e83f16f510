//! Steps to show: which, and what is right or wrong with them.

use crate::entry::Entry;
use crate::metrics::ArgumentScore;
use crate::step::StepScore;

/// The separator between the parts of a step's text.
const SEPARATOR: &str = "</s>";
/// An answer with a lower ROUGE-L is a poor one.
const POOR: f64 = 0.5;

/// What is right or wrong with a step: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The planner took another way than the reference.
    Plan,
    /// Another tool was called.
    Action,
    /// The right tool was called with other arguments.
    Arguments,
    /// The answer has little in common with the reference's.
    Answer,
    /// None of these.
    Right,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [
        Kind::Right,
        Kind::Plan,
        Kind::Action,
        Kind::Arguments,
        Kind::Answer,
    ];

    /// The kind of a scored step.
    pub fn of(score: &StepScore) -> Self {
        let arguments = match score.arguments {
            Some(ArgumentScore::Easy(f1) | ArgumentScore::Hard(f1)) => f1 >= 1.0,
            _ => true,
        };
        match score {
            _ if !score.plan => Kind::Plan,
            _ if score.action == Some(false) => Kind::Action,
            _ if !arguments => Kind::Arguments,
            _ if score.rouge.is_some_and(|rouge| rouge < POOR) => Kind::Answer,
            _ => Kind::Right,
        }
    }

    /// What a page calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Plan => "Planner wrong",
            Kind::Action => "Wrong action",
            Kind::Arguments => "Wrong arguments",
            Kind::Answer => "Poor answer",
            Kind::Right => "Right",
        }
    }

    /// What that means.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Kind::Plan => "another way (call, finish, give up) than the reference's",
            Kind::Action => "a call, but of another tool",
            Kind::Arguments => "the right tool with other arguments",
            Kind::Answer => "an answer whose ROUGE-L with the reference's is below 0.5",
            Kind::Right => "the plan, and of a call the tool and all its arguments",
        }
    }
}

/// Steps of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct KindSamples {
    /// The kind.
    pub kind: Kind,
    /// How many steps are of it.
    pub steps: u64,
    /// Some of them.
    pub samples: Vec<Sample>,
}

/// A step to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its place in the file, from 0.
    pub index: u64,
    /// What the user asks for.
    pub instruction: Option<String>,
    /// How many tools were offered.
    pub tools: usize,
    /// What should have been said.
    pub reference: StepText,
    /// What was said.
    pub said: StepText,
    /// Whether a tool was called that was not offered.
    pub hallucinated: bool,
    /// F1 of the arguments.
    pub f1: Option<f64>,
    /// ROUGE-L of the answer.
    pub rouge: Option<f64>,
}

impl Sample {
    /// The step at `index` of a file, with its score.
    pub fn new(index: u64, entry: &Entry, score: &StepScore) -> Self {
        Self {
            index,
            instruction: entry.instruction.clone(),
            tools: entry.tools.len(),
            reference: StepText::read(&entry.reference),
            said: StepText::read(&entry.predictions),
            hallucinated: score.hallucinated,
            f1: match score.arguments {
                Some(ArgumentScore::Easy(f1) | ArgumentScore::Hard(f1)) => Some(f1),
                _ => None,
            },
            rouge: score.rouge,
        }
    }
}

/// A step's text in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepText {
    /// What the planner says.
    pub planner: String,
    /// Who comes next, as the text has it; empty where nobody does.
    pub role: String,
    /// What they say.
    pub text: String,
}

impl StepText {
    /// Takes a step's text apart ([`glpft_agent::Prediction`]); whatever it is, all of it is in a part.
    fn read(text: &str) -> Self {
        let text = ["assistant: ", "asssitant: "]
            .iter()
            .find_map(|name| text.strip_prefix(name))
            .unwrap_or(text);
        let (planner, rest) = text.split_once(SEPARATOR).unwrap_or((text, ""));
        let rest = rest.strip_suffix(SEPARATOR).unwrap_or(rest);
        let (role, said) = ["caller", "conclusion"]
            .iter()
            .find_map(|&role| Some((role, rest.strip_prefix(role)?.strip_prefix(": ")?)))
            .unwrap_or(("", rest));
        Self {
            planner: planner.to_owned(),
            role: role.to_owned(),
            text: said.to_owned(),
        }
    }
}

/// Which steps are shown: of each kind at most so many, evenly spread over the file.
#[derive(Clone, Debug, Default)]
pub struct SampleChoice {
    kinds: Vec<Kind>,
}

impl SampleChoice {
    /// Takes the next step of the file in.
    pub fn add(&mut self, kind: Kind) {
        self.kinds.push(kind);
    }

    /// Whether no step was taken in.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// How many steps are of a kind.
    pub fn steps(&self, kind: Kind) -> u64 {
        self.kinds.iter().filter(|&&found| found == kind).count() as u64
    }

    /// The places, from 0, of the steps of a kind that are shown.
    pub fn chosen(&self, kind: Kind, most: usize) -> Vec<u64> {
        let places: Vec<u64> = (0..)
            .zip(&self.kinds)
            .filter(|&(_, &found)| found == kind)
            .map(|(place, _)| place)
            .collect();
        let shown = places.len().min(most);
        (0..shown)
            .map(|index| places[index * places.len() / shown])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::score_step;
    use glpft_recipes::Behaviour;

    const CALL: &str =
        "assistant: Look. Next: caller.</s>caller: Action: f\nAction Input: {\"a\": 1}</s>";
    const ANSWER: &str =
        "assistant: Done. Next: conclusion.</s>conclusion: It is warm in Paris.</s>";

    fn kind(reference: &str, predictions: &str) -> Option<Kind> {
        let entry = Entry {
            tools: vec!["f".to_owned()],
            reference: reference.to_owned(),
            predictions: predictions.to_owned(),
            instruction: None,
        };
        let score = score_step(&entry, Behaviour::Fixed).ok()?;
        Some(Kind::of(&score))
    }

    #[test]
    fn steps_are_of_the_first_kind_that_holds() {
        let poor = ANSWER.replace("It is warm in Paris", "No idea");
        for (reference, prediction, expected) in [
            (CALL, CALL, Kind::Right),
            (ANSWER, ANSWER, Kind::Right),
            ("Next: give up.", "x Next: give up.", Kind::Right),
            (CALL, ANSWER, Kind::Plan),
            (CALL, &CALL.replace("Action: f", "Action: g"), Kind::Action),
            (CALL, &CALL.replace(": 1", ": 2"), Kind::Arguments),
            (ANSWER, &poor, Kind::Answer),
        ] {
            assert_eq!(kind(reference, prediction), Some(expected), "{prediction}");
        }
    }

    #[test]
    fn texts_come_apart() {
        let parts = StepText::read(CALL);
        assert_eq!(parts.planner, "Look. Next: caller.");
        assert_eq!(parts.role, "caller");
        assert_eq!(parts.text, "Action: f\nAction Input: {\"a\": 1}");
        let parts = StepText::read("asssitant: p</s>else</s>more");
        let expected = ("p", "", "else</s>more");
        assert_eq!((&*parts.planner, &*parts.role, &*parts.text), expected);
        assert_eq!(StepText::read("").planner, "");
    }

    #[test]
    fn shown_steps_are_spread() {
        let mut choice = SampleChoice::default();
        for index in 0..100 {
            choice.add(if index % 2 == 0 {
                Kind::Right
            } else {
                Kind::Plan
            });
        }
        assert_eq!(choice.steps(Kind::Plan), 50);
        assert_eq!(choice.chosen(Kind::Plan, 5), [1, 21, 41, 61, 81]);
        assert_eq!(choice.chosen(Kind::Right, 500).len(), 50);
        assert!(choice.chosen(Kind::Answer, 5).is_empty());
    }
}
