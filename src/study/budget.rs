//! How long an arrangement trains.

use std::fmt;

use glpft_recipes::Stage;
use serde::{Deserialize, Serialize};

/// How long the stages of a cell train.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// As the recipe says, whatever the arrangement, as in the paper.
    #[default]
    Stages,
    /// So long that the model computes as many tokens as GLPFT does with the recipe's epochs, divided among the stages as the
    /// recipe divides them.
    Tokens,
    /// The same total, so many percent of it in the global stage.
    Split(u8),
}

impl Budget {
    /// What the name of a cell's folder ends with.
    pub(super) fn suffix(self) -> String {
        match self {
            Budget::Stages => String::new(),
            Budget::Tokens => "-equal-tokens".to_owned(),
            Budget::Split(percent) => format!("-split-{percent}"),
        }
    }

    /// Whether another one computes as much: their cells are to be compared.
    pub fn is_like(self, other: Self) -> bool {
        (self == Budget::Stages) == (other == Budget::Stages)
    }
}

/// What stands behind an arrangement's name, for people; nothing for the recipe's own epochs.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Stages => Ok(()),
            Budget::Tokens => f.write_str(", equal tokens"),
            Budget::Split(percent) => write!(f, ", {percent} % global"),
        }
    }
}

/// How long a stage trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageLength {
    /// Which.
    pub stage: Stage,
    /// `epochs`.
    pub epochs: u32,
    /// `max_steps`: the last epoch need not be whole.
    pub steps: usize,
}

/// How many tokens each stage is to compute of `total`, given how many it computes as the recipe has it: the same share of
/// the total, or of what the global stage leaves where that has so many percent.
pub(super) fn shares(
    total: u64,
    recipes: &[(Stage, u64)],
    global: Option<u8>,
) -> Vec<(Stage, f64)> {
    let total = total as f64;
    let sum_of = |wanted: fn(Stage) -> bool| -> f64 {
        let tokens = recipes.iter().filter(|(stage, _)| wanted(*stage));
        tokens
            .map(|&(_, tokens)| tokens as f64)
            .sum::<f64>()
            .max(1.0)
    };
    let share = |&(stage, tokens): &(Stage, u64)| {
        let tokens = tokens as f64;
        let share = match (global, stage) {
            (None, _) => tokens / sum_of(|_| true),
            (Some(percent), Stage::Global) => f64::from(percent) / 100.0,
            (Some(percent), _) => {
                let left = 1.0 - f64::from(percent) / 100.0;
                left * tokens / sum_of(|stage| stage != Stage::Global)
            }
        };
        (stage, total * share)
    };
    recipes.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPES: [(Stage, u64); 4] = [
        (Stage::Global, 600),
        (Stage::Planner, 200),
        (Stage::Caller, 100),
        (Stage::Summarizer, 100),
    ];

    fn tokens(total: u64, recipes: &[(Stage, u64)], global: Option<u8>) -> Vec<f64> {
        let shares = shares(total, recipes, global);
        shares.into_iter().map(|(_, tokens)| tokens).collect()
    }

    #[test]
    fn totals_are_divided_as_the_recipe_divides_them() {
        assert_eq!(tokens(1000, &RECIPES, None), [600.0, 200.0, 100.0, 100.0]);
        assert_eq!(tokens(2000, &RECIPES[1..], None), [1000.0, 500.0, 500.0]);
        assert_eq!(tokens(500, &[(Stage::Global, 30)], None), [500.0]);
    }

    #[test]
    fn a_split_divides_what_the_global_stage_leaves() {
        assert_eq!(
            tokens(1000, &RECIPES, Some(20)),
            [200.0, 400.0, 200.0, 200.0]
        );
        assert_eq!(tokens(1000, &RECIPES, Some(100)), [1000.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn budgets_have_names_of_their_own() {
        let all = [Budget::Stages, Budget::Tokens, Budget::Split(25)];
        assert_eq!(all.map(Budget::suffix), ["", "-equal-tokens", "-split-25"]);
        assert_eq!(all[2].to_string(), ", 25 % global");
        assert!(all[1].is_like(all[2]) && !all[0].is_like(all[1]));
        let text = serde_json::to_string(&all).unwrap_or_default();
        assert_eq!(text, r#"["stages","tokens",{"split":25}]"#);
    }
}
