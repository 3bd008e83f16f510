//! How much of what agents did they had done before.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use glpft_agent::{FINISH, loops};
use serde::{Deserialize, Serialize};

use crate::rollout::RolloutRecord;

/// A text loops where it ends with the same piece so often ([`loops`]).
const TIMES: usize = 4;

/// Calls that were made before, and texts that loop, on the paths that rollouts ended with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    /// Calls of functions.
    pub calls: usize,
    /// Those of them of the same function with the same arguments as an earlier one on their path.
    pub repeated_calls: usize,
    /// Thoughts, arguments and answers that are not empty.
    pub texts: usize,
    /// Those of them that end in a loop: the same piece again and again.
    pub looping_texts: usize,
}

impl Repetition {
    /// Of rollouts.
    pub fn of(rollouts: &[RolloutRecord]) -> Self {
        let mut all = Self::default();
        for rollout in rollouts {
            all += Self::of_one(rollout);
        }
        all
    }

    fn of_one(rollout: &RolloutRecord) -> Self {
        let mut found = Self::default();
        let mut made = BTreeSet::new();
        for step in &rollout.path {
            if step.function != FINISH {
                found.calls += 1;
                let is_new = made.insert((step.function.as_str(), step.arguments.trim()));
                found.repeated_calls += usize::from(!is_new);
            }
            found.read(step.thought.as_deref().unwrap_or_default());
            // The arguments of `Finish` hold the answer.
            found.read(&step.arguments);
        }
        found
    }

    fn read(&mut self, text: &str) {
        let text = text.trim_end_matches(|one: char| one.is_whitespace() || "\"}".contains(one));
        if !text.is_empty() {
            self.texts += 1;
            self.looping_texts += usize::from(loops(text, TIMES));
        }
    }

    /// In words, where anything was repeated.
    pub fn told(&self) -> Option<String> {
        (self.repeated_calls + self.looping_texts > 0).then(|| {
            format!(
                "{} of {} calls repeat an earlier one of their path, function and arguments; {} of {} texts loop",
                self.repeated_calls, self.calls, self.looping_texts, self.texts
            )
        })
    }
}

impl AddAssign for Repetition {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.repeated_calls += other.repeated_calls;
        self.texts += other.texts;
        self.looping_texts += other.looping_texts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{End, StepOfPath, Usage};

    #[test]
    fn repeated_calls_and_loops_are_counted() {
        let step = |thought: &str, function: &str, arguments: &str| StepOfPath {
            thought: Some(thought.to_owned()),
            function: function.to_owned(),
            arguments: arguments.to_owned(),
            observation: String::new(),
            code: 0,
        };
        let looping = "I ask again. ".repeat(8);
        let answer =
            format!(r#"{{"return_type": "give_answer", "final_answer": "It rains {looping}"}}"#);
        let rollout = RolloutRecord {
            task: "1".to_owned(),
            group: "G1_tool".to_owned(),
            query: String::new(),
            end: End::Answer,
            answer: None,
            path: vec![
                step("I ask.", "f", "{}"),
                step("", "g", "{}"),
                step(&looping, "f", "{} "),
                step("", "f", r#"{"x": 1}"#),
                step("Done.", FINISH, &answer),
            ],
            query_count: 5,
            usage: Usage::default(),
            calls: glpft_agent::Calls::default(),
            answer_file: String::new(),
        };
        let found = Repetition::of(&[rollout.clone(), rollout]);
        let one = Repetition {
            calls: 4,
            repeated_calls: 1,
            texts: 8,
            looping_texts: 2,
        };
        let mut two = one;
        two += one;
        assert_eq!(found, two);
        assert!(
            found
                .told()
                .is_some_and(|told| told.contains("2 of 8 calls"))
        );
        assert_eq!(Repetition::default().told(), None);
    }
}
