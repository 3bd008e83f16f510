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

/// How much of a tile of scores the mask leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// Nothing: the tile need not be computed.
    Empty,
    /// A part.
    Partial,
    /// All of it: no score has to be hidden.
    Full,
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

    /// What the mask leaves of the scores of `queries` on the keys of `tile`.
    pub fn tile(&self, queries: &Range<usize>, tile: usize) -> Tile {
        let keys = self.keys(tile);
        let (least, most) = self.ends[tile];
        if keys.start >= queries.end || most <= queries.start {
            Tile::Empty
        } else if keys.end <= queries.start + 1 && queries.end <= least {
            Tile::Full
        } else {
            Tile::Partial
        }
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
