//! Random numbers as a pure function of (seed, stage, step, purpose, stream, index).
//!
//! The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a
//! keyed bijection of a 128-bit counter, so any number of a sequence is computed without the ones before it. The
//! 64-bit key is a chain of SplitMix64 finalizers (Steele et al., OOPSLA 2014) over everything but the index.
//! Nothing has state: two callers that ask for the same number get it, in any order, on any thread.

use glpft_recipes::Stage;

/// What a random number is for; different purposes never share numbers.
///
/// The discriminants are part of every run's result: a new purpose takes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// The order of an epoch's examples.
    Shuffle = 1,
    /// Dropout masks.
    Dropout = 2,
    /// Initial weights.
    Initialization = 3,
    /// Assignment of data to splits.
    Split = 4,
    /// Tokens drawn while generating text.
    Sampling = 5,
    /// Synthetic data and tests.
    Synthetic = 6,
}

/// A sequence of random numbers, addressed by index.
///
/// Each kind of number reads its own part of the same underlying bits, so one sequence should serve one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    key: [u32; 2],
    mixed: u64,
}

impl Random {
    /// The sequence of a seed, a stage (`None`: not of any stage), a step (or epoch, or 0) and a purpose.
    pub fn new(seed: u64, stage: Option<Stage>, step: u64, purpose: Purpose) -> Self {
        let stage = match stage {
            None => 0,
            Some(Stage::Global) => 1,
            Some(Stage::Planner) => 2,
            Some(Stage::Caller) => 3,
            Some(Stage::Summarizer) => 4,
        };
        Self::from_mixed(seed)
            .stream(stage)
            .stream(step)
            .stream(purpose as u64)
    }

    fn from_mixed(mixed: u64) -> Self {
        Self {
            key: [mixed as u32, (mixed >> 32) as u32],
            mixed,
        }
    }

    /// A sequence apart from this one: one per layer, per parameter, per micro-batch, …
    pub fn stream(&self, number: u64) -> Self {
        // The odd constant tells stream 0 from the sequence itself.
        Self::from_mixed(splitmix64(
            splitmix64(self.mixed) ^ splitmix64(number.wrapping_add(0x5851_f42d_4c95_7f2d)),
        ))
    }

    /// Uniform over all 32-bit numbers; four consecutive indices share a Philox block.
    pub fn u32(&self, index: u64) -> u32 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// Uniform over all 64-bit numbers.
    pub fn u64(&self, index: u64) -> u64 {
        let block = self.block(index / 2);
        let at = (index % 2) as usize * 2;
        u64::from(block[at]) | u64::from(block[at + 1]) << 32
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    pub fn uniform_f32(&self, index: u64) -> f32 {
        unit_f32(self.u32(index))
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform_f64(&self, index: u64) -> f64 {
        unit_f64(self.u64(index))
    }

    /// Standard normal (Box–Muller; indices 2k and 2k + 1 are one pair).
    pub fn normal(&self, index: u64) -> f64 {
        let pair = self.normal_pair(index / 2);
        if index.is_multiple_of(2) {
            pair.0
        } else {
            pair.1
        }
    }

    fn normal_pair(&self, pair: u64) -> (f64, f64) {
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform_f64(2 * pair)).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform_f64(2 * pair + 1)).sin_cos();
        (radius * cos, radius * sin)
    }

    /// Uniform in `0..bound` (0 for a bound of 0), by multiplication; its bias is below `bound / 2⁶⁴`.
    pub fn below(&self, bound: u64, index: u64) -> u64 {
        ((u128::from(self.u64(index)) * u128::from(bound)) >> 64) as u64
    }

    /// Fills `out` with `uniform_f32(start)`, `uniform_f32(start + 1)`, ….
    pub fn fill_uniform(&self, start: u64, out: &mut [f32]) {
        self.fill(start, out, unit_f32);
    }

    /// Fills `out` with `normal(start)`, `normal(start + 1)`, … as f32.
    pub fn fill_normal(&self, start: u64, out: &mut [f32]) {
        let head = (start % 2).min(out.len() as u64) as usize;
        let (first, rest) = out.split_at_mut(head);
        for element in first {
            *element = self.normal(start) as f32;
        }
        for (pair, elements) in (start.div_ceil(2)..).zip(rest.chunks_mut(2)) {
            let (cos, sin) = self.normal_pair(pair);
            elements[0] = cos as f32;
            if let Some(second) = elements.get_mut(1) {
                *second = sin as f32;
            }
        }
    }

    /// Fills `out` with a dropout mask: 0 with `probability`, else `1 / (1 − probability)`.
    ///
    /// Element i depends on index `start + i` alone. A probability at or below 0 gives ones, at or above 1 zeros.
    pub fn fill_dropout(&self, start: u64, probability: f64, out: &mut [f32]) {
        if probability <= 0.0 {
            return out.fill(1.0);
        }
        if probability >= 1.0 {
            return out.fill(0.0);
        }
        let threshold = (probability * 4_294_967_296.0).round() as u64;
        let scale = (1.0 / (1.0 - probability)) as f32;
        self.fill(start, out, |bits| {
            if u64::from(bits) < threshold {
                0.0
            } else {
                scale
            }
        });
    }

    fn fill(&self, start: u64, out: &mut [f32], value: impl Fn(u32) -> f32) {
        let head = ((4 - start % 4) % 4).min(out.len() as u64) as usize;
        let (first, rest) = out.split_at_mut(head);
        for (offset, element) in first.iter_mut().enumerate() {
            *element = value(self.u32(start + offset as u64));
        }
        let mut block = start.div_ceil(4);
        let mut blocks = rest.chunks_exact_mut(4);
        for chunk in &mut blocks {
            for (element, bits) in chunk.iter_mut().zip(self.block(block)) {
                *element = value(bits);
            }
            block += 1;
        }
        for (element, bits) in blocks.into_remainder().iter_mut().zip(self.block(block)) {
            *element = value(bits);
        }
    }

    /// Shuffles in place (Fisher–Yates from the end).
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1, last as u64) as usize);
        }
    }

    /// A permutation of `0..length`.
    pub fn permutation(&self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        self.shuffle(&mut order);
        order
    }

    fn block(&self, block: u64) -> [u32; 4] {
        philox4x32_10([block as u32, (block >> 32) as u32, 0, 0], self.key)
    }
}

fn unit_f32(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

fn unit_f64(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[inline]
fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [
                key[0].wrapping_add(0x9e37_79b9),
                key[1].wrapping_add(0xbb67_ae85),
            ];
        }
        let first = u64::from(counter[0]) * 0xd251_1f53;
        let second = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        Random::new(7, Some(Stage::Caller), 3, Purpose::Dropout)
    }

    /// The known answers published with the authors' Random123 library.
    #[test]
    fn philox_known_answers() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    /// Results of runs hang on these values.
    #[test]
    fn values_stay() {
        let values: Vec<u64> = (0..3).map(|index| random().u64(index)).collect();
        assert_eq!(values, VALUES, "{values:#x?}");
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let mut seen: Vec<u64> = vec![
            random().u64(0),
            random().u64(1),
            random().stream(0).u64(0),
            random().stream(1).u64(0),
            Random::new(8, Some(Stage::Caller), 3, Purpose::Dropout).u64(0),
            Random::new(7, Some(Stage::Planner), 3, Purpose::Dropout).u64(0),
            Random::new(7, None, 3, Purpose::Dropout).u64(0),
            Random::new(7, Some(Stage::Caller), 4, Purpose::Dropout).u64(0),
            Random::new(7, Some(Stage::Caller), 3, Purpose::Shuffle).u64(0),
        ];
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn filling_equals_asking_one_by_one() {
        for start in 0..9 {
            for length in 0..12 {
                let mut uniform = vec![-1.0; length];
                random().fill_uniform(start, &mut uniform);
                let mut normal = vec![-1.0; length];
                random().fill_normal(start, &mut normal);
                let mut mask = vec![-1.0; length];
                random().fill_dropout(start, 0.25, &mut mask);
                for offset in 0..length {
                    let index = start + offset as u64;
                    assert_eq!(uniform[offset], random().uniform_f32(index));
                    assert_eq!(normal[offset], random().normal(index) as f32);
                    let kept = random().uniform_f32(index) >= 0.25;
                    assert_eq!(mask[offset], if kept { 1.0 / 0.75 } else { 0.0 });
                }
            }
        }
    }

    #[test]
    fn moments() {
        let count = 100_000;
        let mut uniform = vec![0.0; count];
        random().fill_uniform(0, &mut uniform);
        assert!(uniform.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = uniform.iter().sum::<f32>() / count as f32;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let mut normal = vec![0.0; count];
        random().fill_normal(0, &mut normal);
        let mean = normal.iter().sum::<f32>() / count as f32;
        let square = normal.iter().map(|x| x * x).sum::<f32>() / count as f32;
        assert!(
            mean.abs() < 0.015 && (square - 1.0).abs() < 0.02,
            "{mean} {square}"
        );
        let mut mask = vec![0.0; count];
        random().fill_dropout(0, 0.1, &mut mask);
        let mean = mask.iter().sum::<f32>() / count as f32;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn dropout_extremes() {
        let mut mask = [7.0; 5];
        random().fill_dropout(1, 0.0, &mut mask);
        assert_eq!(mask, [1.0; 5]);
        random().fill_dropout(1, 1.0, &mut mask);
        assert_eq!(mask, [0.0; 5]);
    }

    #[test]
    fn permutations_permute() {
        for length in [0, 1, 2, 3, 50] {
            let mut order = random().permutation(length);
            order.sort_unstable();
            assert_eq!(order, (0..length).collect::<Vec<_>>());
        }
        // Each of the six orders of three comes up about as often.
        let mut counts = std::collections::BTreeMap::new();
        for stream in 0..6000 {
            *counts
                .entry(random().stream(stream).permutation(3))
                .or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    const VALUES: [u64; 3] = [
        0x87fc_d571_ee1a_6605,
        0x17d6_b9d1_1ea2_93be,
        0xc34b_f3ee_0184_d2b1,
    ];
}
