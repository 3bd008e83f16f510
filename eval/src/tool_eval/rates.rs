//! Means by test set, and over test sets.

use glpft_data::{Purpose, Random};
use glpft_world::TestGroup;
use serde::{Deserialize, Serialize};

use crate::intervals::{Interval, RESAMPLES, percentiles, ratio_interval};

/// Keeps these numbers apart from other draws of the same purpose.
const STREAM: u64 = 0x6772_6f75_7073;

/// A mean over tasks, in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The mean.
    pub rate: f64,
    /// Its 95 % bootstrap interval over tasks; absent for fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Its standard deviation over rounds (of all of them, not of a sample), where it is one of rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

/// A test set's mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRate {
    /// The test set.
    pub group: String,
    /// Its tasks.
    pub tasks: usize,
    /// Its mean.
    pub rate: Rate,
}

/// Means by test set and their own mean, as ToolBench's tables have them: each test set counts the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// By test set, in ToolBench's order; others after them, by name.
    pub groups: Vec<GroupRate>,
    /// The mean over test sets; its interval draws tasks within each.
    pub average: Rate,
}

impl Rates {
    /// Of tasks' test sets and values; none where there is no task.
    pub(super) fn of<'t>(
        values: impl IntoIterator<Item = (&'t str, f64)>,
        seed: u64,
    ) -> Option<Self> {
        Self::of_rounds(
            values
                .into_iter()
                .map(|(group, value)| (group, vec![value])),
            seed,
            false,
        )
    }

    /// Of tasks' test sets and values in each round; with `deviations`, the rounds' deviation stands beside each mean.
    pub(super) fn of_rounds<'t>(
        values: impl IntoIterator<Item = (&'t str, Vec<f64>)>,
        seed: u64,
        deviations: bool,
    ) -> Option<Self> {
        let mut groups: Vec<(&str, Vec<Vec<f64>>)> = Vec::new();
        for (group, rounds) in values {
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, tasks)) => tasks.push(rounds),
                None => groups.push((group, vec![rounds])),
            }
        }
        groups.sort_by_key(|(name, _)| (place(name), *name));
        let tasks: Vec<Vec<f64>> = groups
            .iter()
            .map(|(_, tasks)| tasks.iter().map(|rounds| mean(rounds)).collect())
            .collect();
        let of_round: Vec<Vec<f64>> = groups.iter().map(|(_, tasks)| by_round(tasks)).collect();
        let means: Vec<f64> = tasks.iter().map(|tasks| mean(tasks)).collect();
        let deviation = |rounds: &[f64]| deviations.then(|| deviation(rounds));
        let rates = groups
            .iter()
            .enumerate()
            .map(|(index, (group, _))| GroupRate {
                group: (*group).to_owned(),
                tasks: tasks[index].len(),
                rate: Rate {
                    rate: means[index],
                    interval: ratio_interval(
                        &tasks[index]
                            .iter()
                            .map(|&value| (value, 1.0))
                            .collect::<Vec<_>>(),
                        seed,
                    ),
                    deviation: deviation(&of_round[index]),
                },
            });
        (!groups.is_empty()).then(|| Self {
            groups: rates.collect(),
            average: Rate {
                rate: mean(&means),
                interval: interval(&tasks, seed),
                deviation: deviation(&by_round(&of_round)),
            },
        })
    }
}

/// The place of a test set in ToolBench's order.
fn place(group: &str) -> usize {
    let mut all = TestGroup::ALL.iter();
    all.position(|known| known.name() == group)
        .unwrap_or(TestGroup::ALL.len())
}

/// The mean over rows, of each column as far as all rows have it.
fn by_round(rows: &[Vec<f64>]) -> Vec<f64> {
    let rounds = rows.iter().map(Vec::len).min().unwrap_or(0);
    let column = |round: usize| rows.iter().map(|row| row[round]).collect::<Vec<_>>();
    (0..rounds).map(|round| mean(&column(round))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: Vec<f64> = values
        .iter()
        .map(|value| (value - middle).powi(2))
        .collect();
    mean(&squares).sqrt()
}

/// The percentile bootstrap of the mean over groups' means: each group's tasks are drawn anew, as many as it has.
fn interval(groups: &[Vec<f64>], seed: u64) -> Option<Interval> {
    if groups.iter().all(|tasks| tasks.len() < 2) {
        return None;
    }
    let random = Random::new(seed, None, 0, Purpose::Sampling).stream(STREAM);
    let draw = |resample: u32| {
        let random = random.stream(resample.into());
        let means = groups.iter().zip(0..).map(|(tasks, group)| {
            let random = random.stream(group);
            let count = tasks.len() as u64;
            let drawn = (0..count).map(|index| tasks[random.below(count, index) as usize]);
            mean(&drawn.collect::<Vec<_>>())
        });
        mean(&means.collect::<Vec<_>>())
    };
    percentiles((0..RESAMPLES).map(draw).collect())
}
