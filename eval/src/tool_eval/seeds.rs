//! A rate of several models at once: the same tasks, done by models that differ in nothing but the seed of their training.

use glpft_data::{Purpose, Random};

use super::rates::Rate;
use crate::intervals::{RESAMPLES, percentiles};

/// Keeps these numbers apart from other draws of the same purpose.
const STREAM: u64 = 0x0073_6565_6473;

/// The mean of values that tasks have under several seeds: `groups[group][task][seed]`. Each test set counts the same, as in
/// [`Rates`](super::Rates), and so does each seed.
///
/// Its 95 % interval is the bootstrap that draws seeds and tasks, both with repetition (Owen, "The pigeonhole bootstrap",
/// 2007): a task keeps what it came to under each seed that is drawn, so it is honest about tasks that are hard for every
/// model. With one seed it draws tasks alone. None of fewer than two tasks in every test set; no rate where there is no value.
/// What only some tasks have of seeds is left out.
pub fn rate_over_seeds(groups: &[Vec<Vec<f64>>], seed: u64) -> Option<Rate> {
    let groups: Vec<&[Vec<f64>]> = groups
        .iter()
        .map(Vec::as_slice)
        .filter(|tasks| !tasks.is_empty())
        .collect();
    let tasks = groups.iter().flat_map(|tasks| tasks.iter());
    let seeds = tasks.map(Vec::len).min().filter(|&seeds| seeds > 0)?;
    let every: Vec<usize> = (0..seeds).collect();
    let all = |group: usize| (0..groups[group].len()).collect();
    let rate = mean_of_groups(&groups, &every, all);
    let drawn = |count: usize, random: &Random| -> Vec<usize> {
        let draw = |index| random.below(count as u64, index) as usize;
        (0..count as u64).map(draw).collect()
    };
    let random = Random::new(seed, None, 0, Purpose::Sampling).stream(STREAM);
    let resample = |resample: u32| {
        let random = random.stream(resample.into());
        let of_seeds = drawn(seeds, &random.stream(0));
        mean_of_groups(&groups, &of_seeds, |group| {
            drawn(groups[group].len(), &random.stream(group as u64 + 1))
        })
    };
    let several = groups.iter().any(|tasks| tasks.len() > 1);
    let interval = several.then(|| percentiles((0..RESAMPLES).map(resample).collect()));
    Some(Rate {
        rate,
        interval: interval.flatten(),
        deviation: None,
    })
}

/// The mean over test sets of the mean over some of their tasks and some seeds.
fn mean_of_groups(
    groups: &[&[Vec<f64>]],
    seeds: &[usize],
    tasks: impl Fn(usize) -> Vec<usize>,
) -> f64 {
    let of_group = |group: usize| {
        let tasks = tasks(group);
        let values = tasks
            .iter()
            .flat_map(|&task| seeds.iter().map(move |&seed| groups[group][task][seed]));
        values.sum::<f64>() / (tasks.len() * seeds.len()).max(1) as f64
    };
    (0..groups.len()).map(of_group).sum::<f64>() / groups.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(groups: &[Vec<Vec<f64>>]) -> f64 {
        let rate = rate_over_seeds(groups, 0);
        let interval = rate.and_then(|rate| rate.interval);
        interval.map_or(f64::NAN, |[low, high]| high - low)
    }

    /// 200 tasks of which one in four passes, by `value` of task and seed.
    fn tasks(seeds: usize, value: impl Fn(usize, usize) -> bool) -> Vec<Vec<Vec<f64>>> {
        let of_seed = |task| move |seed| (task, seed);
        let value = |(task, seed)| f64::from(u8::from(value(task, seed)));
        let task = |task| (0..seeds).map(of_seed(task)).map(value).collect();
        vec![(0..200).map(task).collect()]
    }

    #[test]
    fn one_seed_draws_tasks_alone() {
        let one = tasks(1, |task, _| task % 4 == 0);
        // ± 1.96 · √(¼ · ¾ / 200) = ± 0.06.
        assert!((width(&one) - 0.12).abs() < 0.015, "{}", width(&one));
        assert_eq!(rate_over_seeds(&one, 0).map(|rate| rate.rate), Some(0.25));
        assert_eq!(rate_over_seeds(&one, 3), rate_over_seeds(&one, 3));
    }

    #[test]
    fn seeds_that_pass_the_same_tasks_tell_no_more_than_one() {
        let same = tasks(3, |task, _| task % 4 == 0);
        let apart = tasks(4, |task, seed| (task + seed) % 4 == 0);
        let one = width(&tasks(1, |task, _| task % 4 == 0));
        assert!((width(&same) - one).abs() < 0.02, "{} {one}", width(&same));
        // Other tasks with each seed: less of it is the tasks' chance.
        assert!(width(&apart) < one, "{} {one}", width(&apart));
        // A seed that passes everything beside one that passes nothing: the seeds' chance is all of it.
        let far = tasks(2, |_, seed| seed == 0);
        assert!((width(&far) - 1.0).abs() < 1e-9, "{}", width(&far));
    }

    #[test]
    fn test_sets_count_the_same_whatever_their_size() {
        let groups = vec![vec![vec![1.0]; 30], vec![vec![0.0]; 10], Vec::new()];
        let rate = rate_over_seeds(&groups, 0);
        assert_eq!(rate.map(|rate| rate.rate), Some(0.5));
        assert_eq!(rate_over_seeds(&[], 0), None);
        assert_eq!(rate_over_seeds(&[vec![Vec::new()]], 0), None);
        let one = rate_over_seeds(&[vec![vec![1.0]]], 0);
        assert_eq!(one.and_then(|rate| rate.interval), None);
    }
}
