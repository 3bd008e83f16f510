//! The tree mask, seen in tiles.

use std::ops::Range;

/// Keys of one tile.
pub const KEYS: usize = 128;

/// Which queries attend to which keys.
pub struct Mask {
    subtree_end: Vec<usize>,
    /// Per tile of keys, the smallest and the largest end of their subtrees.
    ends: Vec<(usize, usize)>,
}

/// What of a tile of scores has to be computed: the smallest block that holds all that the mask leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The queries that attend to some key of the tile, with those between them.
    pub queries: Range<usize>,
    /// The keys that some query attends to, with those between them.
    pub keys: Range<usize>,
    /// Whether every one of these queries attends to every one of these keys: no score has to be hidden.
    pub full: bool,
}

impl Mask {
    /// The mask of a prefix forest.
    pub fn new(subtree_end: Vec<usize>) -> Self {
        let ends = subtree_end
            .chunks(KEYS)
            .map(|ends| {
                ends.iter().fold((usize::MAX, 0), |(least, most), &end| {
                    (least.min(end), most.max(end))
                })
            })
            .collect();
        Self { subtree_end, ends }
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.subtree_end.len()
    }

    /// Number of tiles of keys.
    pub fn tiles(&self) -> usize {
        self.ends.len()
    }

    /// The keys of a tile.
    pub fn keys(&self, tile: usize) -> Range<usize> {
        tile * KEYS..((tile + 1) * KEYS).min(self.tokens())
    }

    /// What the mask leaves of the scores of `queries` on the keys of `tile`; nothing where it leaves none.
    pub fn block(&self, queries: &Range<usize>, tile: usize) -> Option<Block> {
        let keys = self.keys(tile);
        let (least, most) = self.ends[tile];
        if keys.start >= queries.end || most <= queries.start {
            return None;
        }
        if keys.end <= queries.start + 1 && queries.end <= least {
            let queries = queries.clone();
            return Some(Block {
                queries,
                keys,
                full: true,
            });
        }
        // A branch beside the queries' own leaves a gap at an end of the tile or inside it; those at the ends are cut.
        let seen = |&key: &usize| self.subtree_end[key] > queries.start;
        let mut candidates = keys.start..keys.end.min(queries.end);
        let first = candidates.find(seen)?;
        let last = candidates.rev().find(seen).unwrap_or(first);
        let ends = &self.subtree_end[first..=last];
        let (least, most) = ends.iter().fold((usize::MAX, 0), |(least, most), &end| {
            (least.min(end), most.max(end))
        });
        let queries = queries.start.max(first)..queries.end.min(most);
        Some(Block {
            full: last <= queries.start && queries.end <= least,
            keys: first..last + 1,
            queries,
        })
    }

    /// One past the last query that attends to any key of `tile`.
    pub fn last_query(&self, tile: usize) -> usize {
        self.ends[tile].1
    }

    /// Replaces by `hidden` the scores of `query` on those of `keys` that it does not attend to.
    #[inline(always)]
    pub fn hide<R: Copy>(&self, scores: &mut [R], query: usize, keys: Range<usize>, hidden: R) {
        for ((score, key), &end) in scores
            .iter_mut()
            .zip(keys.clone())
            .zip(&self.subtree_end[keys])
        {
            if key > query || query >= end {
                *score = hidden;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use glpft_data::{Purpose, Random};

    use super::*;

    /// A random forest in preorder: each node's parent is on the path to the node before it, or it is a root.
    fn forest(seed: u64, tokens: usize) -> Vec<usize> {
        let random = Random::new(seed, None, 0, Purpose::Synthetic).stream(0);
        let (mut ends, mut path) = (vec![tokens; tokens], Vec::new());
        for node in 0..tokens {
            // Long runs without a branch, as token trees have them.
            if random.below(40, 2 * node as u64) == 0 {
                let depth = random.below(path.len() as u64 + 1, 2 * node as u64 + 1) as usize;
                for closed in path.drain(depth..) {
                    ends[closed] = node;
                }
            }
            path.push(node);
        }
        ends
    }

    #[test]
    fn a_block_is_the_smallest_that_holds_all_that_attends() {
        let mut partial = 0;
        for seed in 0..20 {
            let mask = Mask::new(forest(seed, 700));
            let attends = |query: usize, key: usize| key <= query && query < mask.subtree_end[key];
            for start in (0..700).step_by(96) {
                let queries = start..(start + 96).min(700);
                for tile in 0..mask.tiles() {
                    let pairs: Vec<(usize, usize)> = queries
                        .clone()
                        .flat_map(|query| mask.keys(tile).map(move |key| (query, key)))
                        .filter(|&(query, key)| attends(query, key))
                        .collect();
                    let hull = |of: fn(&(usize, usize)) -> usize| {
                        let places = || pairs.iter().map(of);
                        places().min().zip(places().max()).map(|(a, b)| a..b + 1)
                    };
                    let expected = hull(|pair| pair.0).zip(hull(|pair| pair.1));
                    let found = mask.block(&queries, tile);
                    let ranges = found.clone().map(|block| (block.queries, block.keys));
                    assert_eq!(
                        ranges, expected,
                        "seed {seed}, queries {queries:?}, tile {tile}"
                    );
                    if let Some(Block {
                        queries,
                        keys,
                        full,
                    }) = found
                    {
                        assert_eq!(full, pairs.len() == queries.len() * keys.len());
                        partial += usize::from(!full);
                    }
                }
            }
        }
        assert!(partial > 100, "{partial} blocks in part");
    }
}
