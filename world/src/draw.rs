//! Random choices, one after the other, of a named purpose.

use glpft_data::{Purpose, Random};

/// A sequence of random choices: a pure function of (seed, purpose, number).
pub(crate) struct Draw {
    random: Random,
    next: u64,
}

impl Draw {
    /// The sequence of a seed for a purpose (any fixed text) and a number.
    pub fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let purpose = fingerprint(purpose.as_bytes());
        Self {
            random: Random::new(seed, None, 0, Purpose::Synthetic)
                .stream(purpose)
                .stream(number),
            next: 0,
        }
    }

    /// Uniform in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.next += 1;
        self.random.below(bound as u64, self.next) as usize
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.next += 1;
        self.random.uniform_f64(self.next) < probability
    }

    /// One of the items; none where there is none.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> Option<&'i T> {
        items.get(self.below(items.len()))
    }

    /// The items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// FNV-1a of 64 bits: the same on every machine.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
