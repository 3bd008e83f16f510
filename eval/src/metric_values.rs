//! The metrics of static evaluation, as values.

use serde::{Deserialize, Serialize};

/// The published script's metrics under its own keys, each in 0..=1. Where no step counts for one there is no value: the
/// script has 0 for `rouge` and `action_em` there, and divides by zero for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// ROUGE-L of answers ([`crate::rouge_l`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rouge: Option<f64>,
    /// Plan accuracy: the reference's way (call, finish, give-up) was taken; over all steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_em: Option<f64>,
    /// Action exact match: the reference's tool was called; over steps whose reference is a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_em: Option<f64>,
    /// Argument F1 where the reference has no arguments ([`crate::argument_score`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub easy_f1: Option<f64>,
    /// Argument F1 where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_f1: Option<f64>,
    /// Argument F1 of both. A step with the wrong action is 0 in all three, so this is no mean of the other two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// Hallucination rate: a tool was called that was not offered; over all steps ([`crate::is_hallucinated`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hallu_rate: Option<f64>,
}

impl Metrics {
    /// Keys and values, in the order of the published file.
    pub fn by_key(&self) -> [(&'static str, Option<f64>); 7] {
        [
            ("rouge", self.rouge),
            ("plan_em", self.plan_em),
            ("action_em", self.action_em),
            ("easy_f1", self.easy_f1),
            ("hard_f1", self.hard_f1),
            ("f1", self.f1),
            ("hallu_rate", self.hallu_rate),
        ]
    }
}
