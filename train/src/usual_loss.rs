//! What loss is usual, so that a spike is noticed.

use glpft_checkpoints::UsualLoss;

/// How much of the mean a step's loss moves.
const WEIGHT: f64 = 0.05;
/// Steps before anything counts as usual.
const LEARNED: u64 = 20;
/// Standard deviations above the mean that are a spike.
const FAR: f64 = 6.0;
/// The least standard deviation, as a share of the mean: small sets give nearly the same loss again and again.
const LEAST: f64 = 0.05;
/// The same in nats: where nearly all is learned, one example that cannot be foreseen is many times the mean.
const LEAST_NATS: f64 = 0.02;

/// Whether the loss is far above the usual; then takes it in.
pub(crate) fn is_spike(usual: &mut UsualLoss, loss: f64) -> bool {
    let deviation = usual
        .variance
        .sqrt()
        .max(LEAST * usual.mean)
        .max(LEAST_NATS);
    let spike = usual.steps >= LEARNED && loss > usual.mean + FAR * deviation;
    // As a plain mean of what there is at first, then exponentially weighted.
    let weight = WEIGHT.max(1.0 / (usual.steps + 1) as f64);
    let off = loss - usual.mean;
    usual.mean += weight * off;
    usual.variance = (1.0 - weight) * (usual.variance + weight * off * off);
    usual.steps += 1;
    spike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_far_above_the_usual() {
        let mut usual = UsualLoss::default();
        // A falling, noisy loss is none.
        for step in 0..200 {
            let noise = [0.1, -0.2, 0.15, -0.05][step % 4];
            let loss = 1.0 + 3.0 * 0.98_f64.powi(step as i32) + noise;
            assert!(!is_spike(&mut usual, loss), "{step}");
        }
        assert!(!is_spike(&mut usual, 1.4));
        let before = usual;
        assert!(is_spike(&mut usual, 3.0));
        assert!(usual.mean > before.mean && usual.steps == before.steps + 1);
        let mut learned = UsualLoss::default();
        for _ in 0..30 {
            assert!(!is_spike(&mut learned, 0.008));
        }
        assert!(!is_spike(&mut learned, 0.06) && is_spike(&mut learned, 0.5));
        // Nothing is usual in the beginning.
        let mut fresh = UsualLoss::default();
        assert!(!is_spike(&mut fresh, 1.0) && !is_spike(&mut fresh, 100.0));
    }
}
