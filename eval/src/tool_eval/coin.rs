//! What chance decides.

use glpft_data::{Purpose, Random, fingerprint};

/// Keeps these coins apart from other draws of the same purpose.
const STREAM: u64 = 0x0063_6f69_6e73;

/// A coin is for one of these.
#[derive(Clone, Copy, Debug)]
pub(super) enum Toss {
    /// Whether a rollout passes of which a judge is not sure.
    Round = 0,
    /// Whether it passes where as many rounds say so as say not.
    Majority = 1,
    /// Which of two rollouts is shown first.
    Order = 2,
}

/// Tosses a coin: a pure function of the seed, the task, what it is for, and the round.
pub(super) fn heads(seed: u64, task: &str, toss: Toss, round: usize) -> bool {
    let print = fingerprint(&[task.as_bytes()]);
    // Sixteen hexadecimal digits are a number of 64 bits.
    let of_task = u64::from_str_radix(&print[..16], 16).unwrap_or_default();
    let random = Random::new(seed, None, 0, Purpose::Sampling);
    let random = random.stream(STREAM).stream(of_task).stream(toss as u64);
    random.below(2, round as u64) == 1
}
