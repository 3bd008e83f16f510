//! Which queries train, validate, or are left out.
//!
//! A query is its text, levelled: one that stands under two ids is never on both sides. Queries are put in an order by a seeded hash (the first eight bytes of SHA-256 over seed and query, little
//! endian; equal hashes by the query itself), and ranks in that order decide, so that every share is exact and even
//! small sets have both sides:
//! - of n queries the first ⌈n · fraction⌉ are used: a smaller fraction's are a subset of a larger one's;
//! - of the used ones, rank r ≥ 1 validates iff ⌈r · v⌉ > ⌈(r − 1) · v⌉ for the validation fraction v, so m used
//!   queries hold ⌈(m − 1) · v⌉ for validation, always leaving one to train and, from two on and with v > 0, one to
//!   validate. The rule looks at r alone: no query changes sides as the fraction grows;
//! - the ones that train are dealt to the two halves in turn.
//!
//! The order is over the queries of the whole source, so a source that grows may move queries; within a source and
//! a seed a query has one place, whatever data set, stage or role an example of it is in.

use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};

use crate::query::level_query;

/// The part of the data that a query, and every example of it, belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Split {
    /// Trains; where the stages do not share data, the global stage.
    FirstHalf = 0,
    /// Trains; where the stages do not share data, the local stages.
    SecondHalf = 1,
    /// Is held out.
    Validation = 2,
}

impl Split {
    /// The split of a number in a file.
    pub fn from_u8(number: u8) -> Option<Self> {
        [Split::FirstHalf, Split::SecondHalf, Split::Validation]
            .into_iter()
            .find(|split| *split as u8 == number)
    }

    /// Whether it is trained on in a global (else local) stage; `reuse`: both stages train on both halves.
    pub fn trains(self, global: bool, reuse: bool) -> bool {
        match self {
            Split::FirstHalf => reuse || global,
            Split::SecondHalf => reuse || !global,
            Split::Validation => false,
        }
    }
}

/// The splits of a source's queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuerySplits {
    splits: HashMap<String, Split>,
}

impl QuerySplits {
    /// Splits the queries of a whole source (repetitions count once). Those are one that are the same levelled
    /// ([`level_query`]).
    ///
    /// `fraction` in (0, 1] is used at all, of that `validation_fraction` in [0, 0.5] is held out; values outside
    /// are taken as the nearest inside, and at least one query is used.
    pub fn new<'a>(
        queries: impl IntoIterator<Item = &'a str>,
        fraction: f64,
        validation_fraction: f64,
        seed: u64,
    ) -> Self {
        let queries: BTreeSet<String> = queries.into_iter().map(level_query).collect();
        let mut order: Vec<(u64, String)> = queries
            .into_iter()
            .map(|query| (hash(seed, &query), query))
            .collect();
        order.sort_unstable();
        let validation_fraction = validation_fraction.clamp(0.0, 0.5);
        let used = share(order.len(), fraction.clamp(0.0, 1.0)).max(1);
        let mut splits = HashMap::with_capacity(used.min(order.len()));
        let mut trains = 0usize;
        for (rank, (_, query)) in order.into_iter().take(used).enumerate() {
            let split = if rank > 0
                && share(rank, validation_fraction) > share(rank - 1, validation_fraction)
            {
                Split::Validation
            } else {
                trains += 1;
                if trains % 2 == 1 {
                    Split::FirstHalf
                } else {
                    Split::SecondHalf
                }
            };
            splits.insert(query, split);
        }
        Self { splits }
    }

    /// Where a query belongs; `None`: it is not used.
    pub fn get(&self, query: &str) -> Option<Split> {
        self.splits.get(&level_query(query)).copied()
    }

    /// Where a record of a query belongs, which may be one of an extra source ([`SourceRecipe::extra`]): then it trains, but
    /// for a query that is held out.
    ///
    /// [`SourceRecipe::extra`]: glpft_recipes::SourceRecipe::extra
    pub fn of(&self, query: &str, extra: bool) -> Option<Split> {
        match self.get(query) {
            None if extra => Some(Split::SecondHalf),
            split => split,
        }
    }

    /// How many queries are in a split.
    pub fn count(&self, split: Split) -> usize {
        self.splits
            .values()
            .filter(|&&other| other == split)
            .count()
    }
}

/// ⌈count · fraction⌉, forgiving the product's rounding (0.1 · 30 is not 31 · 0.1).
fn share(count: usize, fraction: f64) -> usize {
    (count as f64 * fraction - 1e-9).ceil().max(0.0) as usize
}

fn hash(seed: u64, query: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(query.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number}_query")).collect()
    }

    fn split(queries: &[String], fraction: f64, validation: f64, seed: u64) -> QuerySplits {
        QuerySplits::new(
            queries.iter().map(String::as_str),
            fraction,
            validation,
            seed,
        )
    }

    #[test]
    fn shares_are_exact_and_nested() {
        for count in [1, 2, 3, 7, 20, 100, 333] {
            let queries = queries(count);
            for validation in [0.0, 0.05, 0.1, 0.5] {
                let mut smaller = QuerySplits::default();
                for fraction in [0.01, 0.1, 0.25, 0.3, 0.5, 0.9, 1.0] {
                    let larger = split(&queries, fraction, validation, 1);
                    let used = ((count as f64 * fraction - 1e-9).ceil() as usize).max(1);
                    assert_eq!(larger.splits.len(), used);
                    assert_eq!(larger.count(Split::Validation), share(used - 1, validation));
                    let halves = (
                        larger.count(Split::FirstHalf),
                        larger.count(Split::SecondHalf),
                    );
                    assert!(halves.0 >= 1 && halves.0 - halves.1 <= 1, "{halves:?}");
                    for (query, side) in &smaller.splits {
                        assert_eq!(larger.get(query), Some(*side));
                    }
                    smaller = larger;
                }
            }
        }
    }

    #[test]
    fn both_sides_from_two_queries_on() {
        for seed in 0..20 {
            let splits = split(&queries(2), 1.0, 0.01, seed);
            assert_eq!(
                (
                    splits.count(Split::Validation),
                    splits.count(Split::FirstHalf)
                ),
                (1, 1)
            );
            assert_eq!(
                split(&queries(1), 1.0, 0.5, seed).count(Split::FirstHalf),
                1
            );
        }
        assert_eq!(split(&[], 1.0, 0.1, 0), QuerySplits::default());
    }

    #[test]
    fn order_and_repetition_do_not_matter_but_the_seed_does() {
        let forward = queries(50);
        let mut backward = forward.clone();
        backward.reverse();
        backward.extend(forward.clone());
        assert_eq!(split(&forward, 0.5, 0.1, 3), split(&backward, 0.5, 0.1, 3));
        assert_ne!(split(&forward, 0.5, 0.1, 3), split(&forward, 0.5, 0.1, 4));
        assert_eq!(split(&forward, 0.5, 0.1, 3).get("elsewhere"), None);
    }

    /// Runs hang on these values.
    #[test]
    fn the_hash_stays() {
        assert_eq!(hash(0, ""), HASH_OF_NOTHING);
        assert_ne!(hash(0, "a"), hash(1, "a"));
    }

    /// SHA-256 of eight zero bytes begins af 55 70 f5 a1 81 0b 7a.
    const HASH_OF_NOTHING: u64 =
        u64::from_le_bytes([0xaf, 0x55, 0x70, 0xf5, 0xa1, 0x81, 0x0b, 0x7a]);

    #[test]
    fn halves_by_stage() {
        for (split, global, local) in [
            (Split::FirstHalf, true, false),
            (Split::SecondHalf, false, true),
            (Split::Validation, false, false),
        ] {
            assert_eq!(split.trains(true, false), global);
            assert_eq!(split.trains(false, false), local);
            assert_eq!(split.trains(true, true), split != Split::Validation);
            assert_eq!(Split::from_u8(split as u8), Some(split));
        }
        assert_eq!(Split::from_u8(3), None);
    }
}
