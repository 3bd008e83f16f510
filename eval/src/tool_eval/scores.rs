//! All of ToolEval's scores together.

use serde::{Deserialize, Serialize};

use super::rates::Rates;
use super::verdict::TaskVerdict;

/// What verdicts come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolEvalScores {
    /// ToolEval's pass rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<Rates>,
    /// StableToolBench's solvable pass rate: of tasks that are not known to be impossible, `Solved` 1, `Unsure` 0.5,
    /// `Unsolved` and a give-up 0; the mean over rounds, with their deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solvable_pass_rate: Option<Rates>,
    /// Of tasks that are known to be impossible, those that were given up, which is all that passes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impossible_pass_rate: Option<Rates>,
    /// The win rate against the reference: a win 1, a tie 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub win_rate: Option<Rates>,
    /// StableToolBench's solvable win rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solvable_win_rate: Option<Rates>,
}

impl ToolEvalScores {
    /// Counts verdicts; `seed` is the confidence intervals'.
    pub fn of(verdicts: &[TaskVerdict], seed: u64) -> Self {
        let all = || verdicts.iter().map(|one| (one.group.as_str(), one));
        let passed = |passed: bool| if passed { 1.0 } else { 0.0 };
        let against = || all().filter_map(|(group, one)| Some((group, one.against.as_ref()?)));
        Self {
            pass_rate: Rates::of(
                all().map(|(group, one)| (group, passed(one.passing.passed))),
                seed,
            ),
            solvable_pass_rate: Rates::of_rounds(
                all()
                    .filter(|(_, one)| !one.passing.known_unsolvable)
                    .map(|(group, one)| {
                        let answers = one.passing.answers.iter();
                        (group, answers.map(|answer| answer.score()).collect())
                    }),
                seed,
                true,
            ),
            impossible_pass_rate: Rates::of(
                all()
                    .filter(|(_, one)| one.passing.known_unsolvable)
                    .map(|(group, one)| (group, passed(one.passing.passed))),
                seed,
            ),
            win_rate: Rates::of(
                against().map(|(group, one)| (group, one.outcome.score())),
                seed,
            ),
            solvable_win_rate: Rates::of(
                against().filter_map(|(group, one)| Some((group, one.solvable?.score()))),
                seed,
            ),
        }
    }

    /// Names and values, those that there are.
    pub fn by_name(&self) -> Vec<(&'static str, &Rates)> {
        [
            ("pass rate", &self.pass_rate),
            ("solvable pass rate", &self.solvable_pass_rate),
            ("impossible tasks given up", &self.impossible_pass_rate),
            ("win rate", &self.win_rate),
            ("solvable win rate", &self.solvable_win_rate),
        ]
        .into_iter()
        .filter_map(|(name, rates)| Some((name, rates.as_ref()?)))
        .collect()
    }
}
