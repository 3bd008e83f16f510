//! A step's scores as files have them.

use serde::{Deserialize, Serialize};

use crate::metrics::{ArgumentScore, ArgumentSkip};
use crate::step::StepScore;

/// What a call's arguments count ([`ArgumentScore`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArgumentOutcome {
    /// To which metrics.
    pub kind: ArgumentKind,
    /// How much, in 0..=1; absent where they count to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
}

/// To which metrics a call's arguments count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// Another tool was called: 0 to every argument F1.
    OtherAction,
    /// The reference has no arguments: to `easy_f1` and `f1`.
    Easy,
    /// The reference has some: to `hard_f1` and `f1`.
    Hard,
    /// The reference's own arguments are not JSON: to none.
    ReferenceNotJson,
}

impl From<ArgumentScore> for ArgumentOutcome {
    fn from(score: ArgumentScore) -> Self {
        let (kind, f1) = match score {
            ArgumentScore::OtherAction => (ArgumentKind::OtherAction, Some(0.0)),
            ArgumentScore::Easy(f1) => (ArgumentKind::Easy, Some(f1)),
            ArgumentScore::Hard(f1) => (ArgumentKind::Hard, Some(f1)),
            ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson) => {
                (ArgumentKind::ReferenceNotJson, None)
            }
        };
        Self { kind, f1 }
    }
}

/// A step's scores ([`StepScore`]); plans by [`glpft_agent::Plan::name`]: `call`, `finish`, `give_up`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// What was right.
    pub reference: String,
    /// What was predicted.
    pub predicted: String,
    /// Whether they are the same.
    pub plan: bool,
    /// Whether the reference's tool is called; absent where the reference calls none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<bool>,
    /// Whether a tool is called that was not offered.
    pub hallucinated: bool,
    /// What the arguments count; absent where the reference calls nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<ArgumentOutcome>,
    /// ROUGE-L of the answer; absent where the reference is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rouge: Option<f64>,
}

impl StepOutcome {
    /// Whether there is nothing to find fault with: the right plan and, of a call, the right tool with arguments that
    /// count as equal. How good an answer is only [`StepOutcome::rouge`] tells.
    pub fn is_right(&self) -> bool {
        let f1 = self.arguments.and_then(|arguments| arguments.f1);
        self.plan && self.action.unwrap_or(true) && f1.is_none_or(|f1| f1 >= 1.0)
    }
}

impl From<&StepScore> for StepOutcome {
    fn from(score: &StepScore) -> Self {
        Self {
            reference: score.reference.name().to_owned(),
            predicted: score.predicted.name().to_owned(),
            plan: score.plan,
            action: score.action,
            hallucinated: score.hallucinated,
            arguments: score.arguments.map(ArgumentOutcome::from),
            rouge: score.rouge,
        }
    }
}
