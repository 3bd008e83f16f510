//! From cells to rows: mean and deviation over seeds, and which is the best.

use std::collections::BTreeMap;

use glpft_eval::Interval;
use glpft_eval::tool_eval::rate_over_seeds;
use glpft_recipes::Stage;
use serde::Serialize;

use super::arrangement::Compared;
use super::budget::Budget;
use super::metric::StudyMetric;
use super::played::{Played, by_task};
use super::report::ScoredCell;

/// A metric over seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation (over n − 1); none of fewer than two seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// The 95 % interval over seeds and tasks, where tasks were played ([`rate_over_seeds`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Each seed's value, in the seeds' order.
    pub values: Vec<f64>,
    /// Whether it is the best among the arrangements of its base and share, as far as is shown (a hundredth of a
    /// percent), and not all are equal.
    pub best: bool,
}

impl Estimate {
    /// That of some values; none of none.
    pub fn of(values: Vec<f64>) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            values,
            interval: None,
            best: false,
        })
    }

    /// That of a value of tasks under several seeds, each seed's by test set.
    fn of_tasks(of_seeds: &[Vec<Vec<f64>>]) -> Option<Self> {
        let rate = |seeds: &[Vec<Vec<f64>>]| rate_over_seeds(&by_task(seeds), 0);
        let alone = |seed| rate(std::slice::from_ref(seed));
        let values: Vec<f64> = of_seeds
            .iter()
            .filter_map(|seed| Some(alone(seed)?.rate))
            .collect();
        Some(Self {
            interval: rate(of_seeds)?.interval,
            ..Self::of(values)?
        })
    }

    /// What figures shade around it: the interval where there is one, else the mean ± the deviation.
    pub fn range(&self) -> Option<Interval> {
        let around = |deviation| [self.mean - deviation, self.mean + deviation];
        self.interval.or(self.deviation.map(around))
    }

    /// As the table shows it.
    fn shown(&self) -> i64 {
        (self.mean * 1e4).round() as i64
    }
}

/// An arrangement on a share of the data, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The base's name.
    pub base: String,
    /// How many parameters it has.
    pub parameters: u64,
    /// The share.
    pub fraction: f64,
    /// The arrangement.
    pub arrangement: Compared,
    /// How long it trains.
    pub budget: Budget,
    /// How many seeds are in it.
    pub seeds: usize,
    /// Queries that are trained on, on the average.
    pub queries: f64,
    /// Optimizer steps of all its stages together, on the average.
    pub steps: f64,
    /// Tokens of their examples, on the average.
    pub tokens: f64,
    /// Tokens that the model was run on, on the average.
    pub computed_tokens: f64,
    /// The share of those that the global stage has.
    pub global_share: f64,
    /// The metrics by key; one that no step counts for is not there.
    pub metrics: BTreeMap<&'static str, Estimate>,
    /// The tasks that were played, by each strategy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub played: Vec<PlayedRow>,
}

/// Tasks that an arrangement's teams played by one strategy, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlayedRow {
    /// The strategy's name.
    pub strategy: String,
    /// How many tasks each seed's team played.
    pub tasks: usize,
    /// The share of tasks that were passed; each test set counts the same.
    pub pass: Estimate,
    /// The same of tasks that can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solvable_pass: Option<Estimate>,
    /// How many tasks were given up, on the average.
    pub given_up: f64,
    /// How many of them rightly: those that cannot be done.
    pub rightly_given_up: f64,
    /// The pass rate less that of Single-LLM on the same data with the same budget, of the seeds that both have; with its
    /// interval, in which both have the same tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_above_single: Option<Estimate>,
}

impl Row {
    /// What is trained, for people.
    pub fn title(&self) -> String {
        format!("{}{}", self.arrangement.title(), self.budget)
    }

    fn is_on_the_data_of(&self, other: &Self) -> bool {
        self.base == other.base && self.fraction.total_cmp(&other.fraction).is_eq()
    }

    /// A metric's estimate.
    pub fn metric(&self, metric: StudyMetric) -> Option<&Estimate> {
        self.metrics.get(metric.key())
    }
}

/// The rows of some cells, in the order in which their first ones come.
pub fn rows(cells: &[ScoredCell]) -> Vec<Row> {
    let mut groups: Vec<Vec<&ScoredCell>> = Vec::new();
    for cell in cells {
        match groups.iter_mut().find(|group| group[0].is_beside(cell)) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let single = |group: &[&ScoredCell]| {
        let own = group[0].arrangement == Compared::Single;
        let single = groups.iter().find(|other| {
            let of_single = other[0].arrangement == Compared::Single;
            of_single
                && other[0].budget.is_like(group[0].budget)
                && other[0].is_on_the_data_of(group[0])
        });
        single.filter(|_| !own).map(Vec::as_slice)
    };
    let mut rows: Vec<Row> = groups
        .iter()
        .map(|group| row(group, single(group)))
        .collect();
    mark_best(&mut rows);
    rows
}

/// The row of some cells, compared with those of Single-LLM.
fn row(group: &[&ScoredCell], single: Option<&[&ScoredCell]>) -> Row {
    let first = group[0];
    let mean = |value: fn(&ScoredCell) -> f64| {
        group.iter().map(|cell| value(cell)).sum::<f64>() / group.len() as f64
    };
    let estimate = |metric: StudyMetric| {
        let values = group
            .iter()
            .filter_map(|cell| metric.of(&cell.score.metrics));
        Some((metric.key(), Estimate::of(values.collect())?))
    };
    Row {
        base: first.base.clone(),
        parameters: first.parameters,
        fraction: first.fraction,
        arrangement: first.arrangement,
        budget: first.budget,
        seeds: group.len(),
        queries: mean(|cell| cell.queries as f64),
        steps: mean(|cell| cell.stages.iter().map(|stage| stage.steps as f64).sum()),
        tokens: mean(|cell| cell.stages.iter().map(|stage| stage.tokens as f64).sum()),
        computed_tokens: mean(|cell| cell.computed_tokens(|_| true) as f64),
        global_share: mean(|cell| {
            let global = cell.computed_tokens(|stage| stage == Stage::Global);
            global as f64 / cell.computed_tokens(|_| true).max(1) as f64
        }),
        metrics: StudyMetric::ALL.into_iter().filter_map(estimate).collect(),
        played: first
            .score
            .played
            .iter()
            .filter_map(|played| played_row(&played.strategy, group, single))
            .collect(),
    }
}

fn played_row(
    strategy: &str,
    group: &[&ScoredCell],
    single: Option<&[&ScoredCell]>,
) -> Option<PlayedRow> {
    let of_seeds: Vec<&Played> = group
        .iter()
        .filter_map(|cell| cell.played(strategy))
        .collect();
    let count = of_seeds.len() as f64;
    let values = |of: fn(&Played) -> Vec<Vec<f64>>| {
        let values = of_seeds.iter().map(|played| of(played));
        Estimate::of_tasks(&values.collect::<Vec<_>>())
    };
    let given_up = |of: fn((usize, usize)) -> usize| {
        let counts = of_seeds.iter().map(|played| of(played.given_up()) as f64);
        counts.sum::<f64>() / count
    };
    let above = single.map(|single| -> Vec<Vec<Vec<f64>>> {
        let pairs = group.iter().filter_map(|cell| {
            let single = single.iter().find(|other| other.seed == cell.seed)?;
            let pair = (cell.played(strategy)?, single.played(strategy)?);
            Some(less(&pair.0.passed(), &pair.1.passed()))
        });
        pairs.collect()
    });
    Some(PlayedRow {
        strategy: strategy.to_owned(),
        tasks: of_seeds.first()?.tasks(),
        pass: values(Played::passed)?,
        solvable_pass: values(Played::passed_solvable),
        given_up: given_up(|(all, _)| all),
        rightly_given_up: given_up(|(_, rightly)| rightly),
        pass_above_single: above.and_then(|above| Estimate::of_tasks(&above)),
    })
}

/// The difference, task by task.
fn less(one: &[Vec<f64>], other: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let of_group = |(one, other): (&Vec<f64>, &Vec<f64>)| {
        let pairs = one.iter().zip(other);
        pairs.map(|(one, other)| one - other).collect()
    };
    one.iter().zip(other).map(of_group).collect()
}

/// Where all are equal, none is the best.
fn mark_best(rows: &mut [Row]) {
    for metric in StudyMetric::ALL {
        let key = metric.key();
        mark(rows, metric.lowest_is_best(), |row| {
            row.metrics.get_mut(key)
        });
    }
    let most = rows.iter().map(|row| row.played.len()).max().unwrap_or(0);
    for index in 0..most {
        mark(rows, false, |row| {
            Some(&mut row.played.get_mut(index)?.pass)
        });
        mark(rows, false, |row| {
            row.played.get_mut(index)?.solvable_pass.as_mut()
        });
    }
}

fn mark(rows: &mut [Row], lowest: bool, estimate: impl Fn(&mut Row) -> Option<&mut Estimate>) {
    let sign = if lowest { -1 } else { 1 };
    let shown: Vec<Option<i64>> = rows
        .iter_mut()
        .map(|row| Some(sign * estimate(row)?.shown()))
        .collect();
    let beside =
        |one: &Row, other: &Row| one.is_on_the_data_of(other) && one.budget.is_like(other.budget);
    let best: Vec<bool> = rows
        .iter()
        .zip(&shown)
        .map(|(row, own)| {
            let others = rows.iter().zip(&shown);
            let others = others.filter(|(other, _)| beside(row, other));
            let values: Vec<i64> = others.filter_map(|(_, shown)| *shown).collect();
            let (best, worst) = (values.iter().max(), values.iter().min());
            best != worst && own.as_ref() == best
        })
        .collect();
    for (row, best) in rows.iter_mut().zip(best) {
        if let Some(estimate) = estimate(row) {
            estimate.best = best;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests;
