//! How sure the metrics are: confidence intervals by bootstrap.

use glpft_data::{Purpose, Random};
use serde::{Deserialize, Serialize};

use crate::metric_values::Metrics;
use crate::tally::Tally;

/// How many times the data are drawn anew.
pub(crate) const RESAMPLES: u32 = 1000;
/// The share of those that an interval holds.
const LEVEL: f64 = 0.95;
/// Keeps these numbers apart from those that draw tokens, which have the same purpose.
const STREAM: u64 = 0x626f_6f74;

/// A metric's 95 % interval: its lower and its upper end.
pub type Interval = [f64; 2];

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Whole trajectories. Their steps depend on each other, so this is the honest one.
    Trajectories,
    /// Single steps, where the file does not tell trajectories apart: too narrow, if anything.
    Steps,
}

/// Confidence intervals of every metric.
///
/// The percentile bootstrap (Efron, "Bootstrap methods", 1979): as many trajectories are drawn, with repetition, as there
/// are; the metrics of 1000 such draws are sorted, and the interval leaves out 2.5 % at either end, interpolated linearly.
/// Draws in which no step counts for a metric are left out of its interval. A pure function of steps and seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// How sure.
    pub level: f64,
    /// How many draws.
    pub resamples: u32,
    /// Of what.
    pub over: Over,
    /// ROUGE-L.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rouge: Option<Interval>,
    /// Plan accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_em: Option<Interval>,
    /// Action exact match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_em: Option<Interval>,
    /// Argument F1 without arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub easy_f1: Option<Interval>,
    /// Argument F1 with arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_f1: Option<Interval>,
    /// Argument F1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1: Option<Interval>,
    /// Hallucination rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hallu_rate: Option<Interval>,
}

impl Intervals {
    /// Draws from `tallies`, each a trajectory's or a step's; none of fewer than two.
    pub(crate) fn bootstrap(tallies: &[Tally], over: Over, seed: u64) -> Option<Self> {
        if tallies.len() < 2 {
            return None;
        }
        let draws: Vec<Metrics> = resampled(tallies.len(), seed, |drawn| {
            let mut sum = Tally::default();
            drawn.for_each(|index| sum.add(&tallies[index]));
            sum.metrics()
        });
        let interval = |metric: fn(&Metrics) -> Option<f64>| {
            percentiles(draws.iter().filter_map(metric).collect())
        };
        Some(Self {
            level: LEVEL,
            resamples: RESAMPLES,
            over,
            rouge: interval(|draw| draw.rouge),
            plan_em: interval(|draw| draw.plan_em),
            action_em: interval(|draw| draw.action_em),
            easy_f1: interval(|draw| draw.easy_f1),
            hard_f1: interval(|draw| draw.hard_f1),
            f1: interval(|draw| draw.f1),
            hallu_rate: interval(|draw| draw.hallu_rate),
        })
    }

    /// Keys and intervals, in the order of [`Metrics::by_key`].
    pub fn by_key(&self) -> [(&'static str, Option<Interval>); 7] {
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

/// The interval of `Σ sum / Σ count` over trajectories that have such a `(sum, count)` each, drawn as
/// [`Intervals`] says; none of fewer than two, or where nothing is counted.
pub fn ratio_interval(trajectories: &[(f64, f64)], seed: u64) -> Option<Interval> {
    if trajectories.len() < 2 {
        return None;
    }
    let draws = resampled(trajectories.len(), seed, |drawn| {
        let (mut sum, mut count) = (0.0, 0.0);
        for index in drawn {
            sum += trajectories[index].0;
            count += trajectories[index].1;
        }
        (count > 0.0).then(|| sum / count)
    });
    percentiles(draws.into_iter().flatten().collect())
}

/// What `value` says of each draw of as many of `count` as there are.
fn resampled<T>(
    count: usize,
    seed: u64,
    value: impl Fn(&mut dyn Iterator<Item = usize>) -> T,
) -> Vec<T> {
    let random = Random::new(seed, None, 0, Purpose::Sampling).stream(STREAM);
    let draw = |resample: u32| {
        let random = random.stream(resample.into());
        let mut drawn = (0..count as u64).map(|index| random.below(count as u64, index) as usize);
        value(&mut drawn)
    };
    (0..RESAMPLES).map(draw).collect()
}

/// The interval that leaves out the same share at either end.
pub(crate) fn percentiles(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some([quantile(&values, tail)?, quantile(&values, 1.0 - tail)?])
}

/// The quantile of sorted values, interpolated linearly between neighbours.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - below as f64;
    Some(sorted[below] * (1.0 - part) + sorted[above] * part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::StepScore;
    use glpft_agent::Plan;

    fn step(plan: bool) -> Tally {
        Tally::of(&StepScore {
            predicted: if plan { Plan::GiveUp } else { Plan::Call },
            reference: Plan::GiveUp,
            plan,
            action: None,
            hallucinated: false,
            reference_hallucinated: false,
            arguments: None,
            rouge: None,
            mended: Vec::new(),
        })
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.9), Some(3.0));
        assert_eq!(quantile(&[0.0, 1.0, 4.0], 0.0), Some(0.0));
        assert_eq!(quantile(&[0.0, 1.0, 4.0], 0.75), Some(2.5));
        assert_eq!(quantile(&[0.0, 1.0, 4.0], 1.0), Some(4.0));
    }

    #[test]
    fn the_interval_of_a_share_is_the_binomial_one() {
        let steps: Vec<Tally> = (0..400).map(|index| step(index % 4 == 0)).collect();
        let found = Intervals::bootstrap(&steps, Over::Steps, 0);
        let Some([low, high]) = found.and_then(|intervals| intervals.plan_em) else {
            panic!("no interval");
        };
        // ± 1.96 · √(¼ · ¾ / 400) = ± 0.0424.
        assert!((low - 0.2076).abs() < 0.008, "{low}");
        assert!((high - 0.2924).abs() < 0.008, "{high}");
        assert_eq!(found, Intervals::bootstrap(&steps, Over::Steps, 0));
        assert!((1..9).any(|seed| found != Intervals::bootstrap(&steps, Over::Steps, seed)));
        // Nothing but give-ups: nothing else is defined, in any draw.
        assert_eq!(found.and_then(|intervals| intervals.f1), None);
    }

    #[test]
    fn steps_of_one_trajectory_tell_less() {
        let steps: Vec<Tally> = (0..400).map(|index| step(index % 40 < 10)).collect();
        let trajectories: Vec<Tally> = steps
            .chunks(10)
            .map(|steps| {
                let mut all = Tally::default();
                steps.iter().for_each(|step| all.add(step));
                all
            })
            .collect();
        let width = |tallies: &[Tally], over| {
            let found = Intervals::bootstrap(tallies, over, 0);
            found
                .and_then(|intervals| intervals.plan_em)
                .map_or(0.0, |[low, high]| high - low)
        };
        let (narrow, wide) = (
            width(&steps, Over::Steps),
            width(&trajectories, Over::Trajectories),
        );
        // Ten equal steps each: √10 times as wide.
        assert!((2.5..4.0).contains(&(wide / narrow)), "{narrow} {wide}");
    }

    #[test]
    fn the_interval_of_a_ratio_weighs_by_count() {
        // Draws as those of the metric with the same seed, so the same interval.
        let parts: Vec<(f64, f64)> = (0..400)
            .map(|index| (f64::from(u8::from(index % 4 == 0)), 1.0))
            .collect();
        let steps: Vec<Tally> = (0..400).map(|index| step(index % 4 == 0)).collect();
        let plan = Intervals::bootstrap(&steps, Over::Steps, 3).and_then(|found| found.plan_em);
        assert!(plan.is_some());
        assert_eq!(ratio_interval(&parts, 3), plan);
        // One heavy trajectory decides wherever it is drawn.
        let Some([low, high]) = ratio_interval(&[(0.0, 1.0), (1000.0, 1000.0)], 0) else {
            panic!("no interval");
        };
        assert_eq!((low, high), (0.0, 1.0));
        assert_eq!(ratio_interval(&[(1.0, 1.0)], 0), None);
        assert_eq!(ratio_interval(&[(0.0, 0.0), (0.0, 0.0)], 0), None);
    }

    #[test]
    fn one_draw_tells_nothing() {
        assert_eq!(Intervals::bootstrap(&[], Over::Steps, 0), None);
        assert_eq!(Intervals::bootstrap(&[step(true)], Over::Steps, 0), None);
    }
}
