//! What came of the tasks that a cell's team played.

use std::collections::BTreeMap;

use glpft_eval::End;
use glpft_eval::tool_eval::TaskVerdict;
use serde::{Deserialize, Serialize};

/// The letters of tasks that were passed.
const PASSED: &str = "Ppg";

/// Tasks that a team played by one strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The strategy's name.
    pub strategy: String,
    /// What came of each test set's tasks, a letter a task in the tasks' order: `P` passed with its answer, `F` failed with
    /// it, `G` gave up, `N` ended with neither. In lower case for tasks that cannot be done, of which a give-up passes.
    pub outcomes: BTreeMap<String, String>,
}

impl Played {
    /// What an evaluation found.
    pub fn new(strategy: &str, verdicts: &[TaskVerdict]) -> Self {
        let mut outcomes: BTreeMap<String, String> = BTreeMap::new();
        for verdict in verdicts {
            let of_group = outcomes.entry(verdict.group.clone()).or_default();
            of_group.push(letter(verdict));
        }
        Self {
            strategy: strategy.to_owned(),
            outcomes,
        }
    }

    /// Whether each task of each test set was passed.
    pub fn passed(&self) -> Vec<Vec<f64>> {
        self.values(|letter| Some(PASSED.contains(letter)))
    }

    /// The same of tasks that can be done.
    pub fn passed_solvable(&self) -> Vec<Vec<f64>> {
        self.values(|letter| letter.is_ascii_uppercase().then_some(letter == 'P'))
    }

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.letters().count()
    }

    /// How many of them were passed.
    pub fn count_passed(&self) -> usize {
        self.letters()
            .filter(|&letter| PASSED.contains(letter))
            .count()
    }

    /// How many tasks were given up, and how many of them rightly.
    pub fn given_up(&self) -> (usize, usize) {
        let rightly = self.letters().filter(|&letter| letter == 'g').count();
        let wrongly = self.letters().filter(|&letter| letter == 'G').count();
        (rightly + wrongly, rightly)
    }

    fn letters(&self) -> impl Iterator<Item = char> + '_ {
        self.outcomes.values().flat_map(|letters| letters.chars())
    }

    /// 1 or 0 for each task that counts, by test set.
    fn values(&self, counts: impl Fn(char) -> Option<bool>) -> Vec<Vec<f64>> {
        let of_group = |letters: &String| {
            let values = letters.chars().filter_map(&counts);
            values.map(|passed| f64::from(u8::from(passed))).collect()
        };
        self.outcomes.values().map(of_group).collect()
    }
}

fn letter(verdict: &TaskVerdict) -> char {
    let letter = match (verdict.end, verdict.passing.passed) {
        (End::Answer, true) => 'P',
        (End::Answer, false) => 'F',
        (End::GiveUp, _) => 'G',
        (End::Nothing, _) => 'N',
    };
    match verdict.passing.known_unsolvable {
        true => letter.to_ascii_lowercase(),
        false => letter,
    }
}

/// A value of each task of each test set under each of several seeds, as
/// [`rate_over_seeds`](glpft_eval::tool_eval::rate_over_seeds) takes them. All seeds have the same tasks.
pub(super) fn by_task(of_seeds: &[Vec<Vec<f64>>]) -> Vec<Vec<Vec<f64>>> {
    let Some(first) = of_seeds.first() else {
        return Vec::new();
    };
    let of_task = |group: usize, task: usize| {
        let values = of_seeds.iter();
        values.filter_map(move |one| one.get(group)?.get(task).copied())
    };
    first
        .iter()
        .enumerate()
        .map(|(group, tasks)| {
            (0..tasks.len())
                .map(|task| of_task(group, task).collect())
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        let played = Played {
            strategy: "react".to_owned(),
            outcomes: [("G1_tool", "PFGg"), ("G2_category", "Nfnp")]
                .map(|(group, letters)| (group.to_owned(), letters.to_owned()))
                .into(),
        };
        assert_eq!(
            played.passed(),
            [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]]
        );
        assert_eq!(played.passed_solvable(), [vec![1.0, 0.0, 0.0], vec![0.0]]);
        assert_eq!((played.tasks(), played.given_up()), (8, (2, 1)));
        let both = by_task(&[played.passed(), vec![vec![0.0; 4]; 2]]);
        assert_eq!(both[0][0], [1.0, 0.0]);
        assert_eq!(both[1][3], [1.0, 0.0]);
    }
}
