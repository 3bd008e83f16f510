//! The tree mask, seen in tiles.

use std::ops::Range;

/// Keys of one tile.
pub const KEYS: usize = 128;

/// Which queries attend to which keys.
pub struct Mask {
    subtree_end: Vec<usize>,
    /// Per tile of keys, the smallest and the largest end of their subtrees.
    ends: Vec<(usize, usize)>,
    /// Where a query does not attend to all of its path.
    window: Option<Window>,
}

/// A sliding window.
struct Window {
    /// How many positions back, its own among them, a query attends.
    length: usize,
    /// The tokens' positions.
    positions: Vec<usize>,
    /// Per tile of keys, the smallest and the largest position.
    bounds: Vec<(usize, usize)>,
}

impl Window {
    fn new(positions: Vec<usize>, length: usize) -> Self {
        Self {
            length,
            bounds: positions.chunks(KEYS).map(bounds).collect(),
            positions,
        }
    }

    /// Whether some of the queries may attend to some key of a tile, and whether every one attends to every one.
    fn seen(&self, queries: &Range<usize>, tile: usize) -> (bool, bool) {
        let (first, last) = bounds(&self.positions[queries.clone()]);
        let (least, most) = self.bounds[tile];
        let within = |query: usize, key: usize| query < key.saturating_add(self.length);
        (within(first, most), within(last, least))
    }

    fn hides(&self, query: usize, key: usize) -> bool {
        self.positions[query] >= self.positions[key].saturating_add(self.length)
    }
}

/// The smallest and the largest of them.
fn bounds(of: &[usize]) -> (usize, usize) {
    of.iter().fold((usize::MAX, 0), |(least, most), &one| {
        (least.min(one), most.max(one))
    })
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

/// The keys of blocks, neighbours as one: larger products run nearer to the processor's peak.
pub fn runs(blocks: &[Block]) -> Vec<Range<usize>> {
    blocks
        .chunk_by(|left, right| left.keys.end == right.keys.start)
        .map(|run| run[0].keys.start..run[run.len() - 1].keys.end)
        .collect()
}

impl Mask {
    /// The mask of a prefix forest, whose `positions` are read where there is a window.
    pub fn new(
        subtree_end: Vec<usize>,
        positions: impl FnOnce() -> Vec<usize>,
        window: Option<usize>,
    ) -> Self {
        let ends = subtree_end.chunks(KEYS).map(bounds).collect();
        let window = window.map(|length| Window::new(positions(), length));
        // One that no path is longer than hides nothing.
        let window = window.filter(|window| {
            let longest = window.bounds.iter().map(|(_, most)| most + 1).max();
            longest.unwrap_or(0) > window.length
        });
        Self {
            subtree_end,
            ends,
            window,
        }
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

    /// What the mask leaves of the scores of `queries` on the keys of `tile`; nothing where it leaves none. A window may leave
    /// less than the block.
    pub fn block(&self, queries: &Range<usize>, tile: usize) -> Option<Block> {
        let Some(window) = &self.window else {
            return self.tree_block(queries, tile);
        };
        let (some, all) = window.seen(queries, tile);
        if !some {
            return None;
        }
        let block = self.tree_block(queries, tile)?;
        Some(Block {
            full: block.full && all,
            ..block
        })
    }

    /// The same without the window.
    fn tree_block(&self, queries: &Range<usize>, tile: usize) -> Option<Block> {
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
        let (least, most) = bounds(&self.subtree_end[first..=last]);
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
            .zip(&self.subtree_end[keys.clone()])
        {
            if key > query || query >= end {
                *score = hidden;
            }
        }
        if let Some(window) = &self.window {
            for (score, key) in scores.iter_mut().zip(keys) {
                if window.hides(query, key) {
                    *score = hidden;
                }
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
            let mask = Mask::new(forest(seed, 700), Vec::new, None);
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
