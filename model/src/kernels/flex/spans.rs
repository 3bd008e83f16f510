//! The cache cut into parts that the same tokens see.

use std::ops::Range;

/// Most rows of a part: its keys and values stay in the second-level cache.
const ROWS: usize = 256;

/// Rows of the cache that are read together.
#[derive(Debug, PartialEq, Eq)]
pub struct Span {
    /// At least one, at most 256.
    pub slots: Range<usize>,
    /// Who sees them, ascending; none sees only some of them.
    pub queries: Vec<usize>,
}

/// Spans of what `places` name: the rows that each query sees, none twice.
pub fn spans(places: &[&[Range<usize>]]) -> Vec<Span> {
    let all = || places.iter().copied().flatten();
    let mut cuts: Vec<usize> = all().flat_map(|place| [place.start, place.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut seeing: Vec<Vec<usize>> = vec![Vec::new(); cuts.len()];
    for (query, places) in places.iter().enumerate() {
        for place in *places {
            let first = cuts.partition_point(|&cut| cut < place.start);
            let last = cuts.partition_point(|&cut| cut < place.end);
            for seeing in &mut seeing[first..last] {
                seeing.push(query);
            }
        }
    }
    let mut spans = Vec::new();
    for (cuts, queries) in cuts.windows(2).zip(seeing) {
        if queries.is_empty() {
            continue;
        }
        for start in (cuts[0]..cuts[1]).step_by(ROWS) {
            spans.push(Span {
                slots: start..cuts[1].min(start + ROWS),
                queries: queries.clone(),
            });
        }
    }
    spans
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a query of one range has a list of ranges"
)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_one_span() {
        let found = spans(&[&[0..300, 310..311], &[0..280, 400..402], &[402..403]]);
        let span = |slots, queries: &[usize]| Span {
            slots,
            queries: queries.to_vec(),
        };
        let expected = [
            span(0..256, &[0, 1]),
            span(256..280, &[0, 1]),
            span(280..300, &[0]),
            span(310..311, &[0]),
            span(400..402, &[1]),
            span(402..403, &[2]),
        ];
        assert_eq!(found, expected);
        assert!(spans(&[]).is_empty());
    }
}
