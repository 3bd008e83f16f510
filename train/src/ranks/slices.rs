//! How a parameter is cut among ranks.

use std::ops::Range;

/// The elements of a parameter of `elements` that a rank owns; empty where there are fewer than ranks.
pub(crate) fn slice(elements: usize, ranks: usize, rank: usize) -> Range<usize> {
    let each = elements.div_ceil(ranks.max(1));
    let at = |rank: usize| (each * rank).min(elements);
    at(rank)..at(rank + 1)
}

/// A part of a parameter that is exchanged at once: of each rank's slice the elements from `offset` on, at most `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The parameter's number.
    pub parameter: usize,
    elements: usize,
    offset: usize,
    most: usize,
    /// Whether it is the parameter's last one.
    pub last: bool,
}

impl Piece {
    /// The elements of the parameter that are in it and in a rank's slice.
    pub fn of(&self, ranks: usize, rank: usize) -> Range<usize> {
        let slice = slice(self.elements, ranks, rank);
        let at = |offset: usize| (slice.start + offset).min(slice.end);
        at(self.offset)..at(self.offset + self.most)
    }
}

/// Parameters of so many elements each in pieces, and the pieces in groups of at most `most` elements a rank: small
/// parameters are exchanged together, and large ones in several parts, so that neither many small messages nor a second copy
/// of a large parameter are needed.
pub(super) fn pieces(elements: &[usize], ranks: usize, most: usize) -> Vec<Vec<Piece>> {
    let most = most.max(1);
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let mut room = 0;
    for (parameter, &elements) in elements.iter().enumerate() {
        let each = elements.div_ceil(ranks.max(1));
        let mut offset = 0;
        while offset < each {
            if room == 0 {
                groups.push(Vec::new());
                room = most;
            }
            let take = room.min(each - offset);
            let piece = Piece {
                parameter,
                elements,
                offset,
                most: take,
                last: offset + take == each,
            };
            if let Some(group) = groups.last_mut() {
                group.push(piece);
            }
            offset += take;
            room -= take;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_a_parameter_once() {
        for elements in [0, 1, 2, 3, 7, 8, 9, 100] {
            for ranks in 1..=5 {
                let slices = (0..ranks).map(|rank| slice(elements, ranks, rank));
                let all: Vec<usize> = slices.flatten().collect();
                assert_eq!(all, (0..elements).collect::<Vec<_>>(), "{elements} {ranks}");
            }
        }
    }

    #[test]
    fn pieces_cover_every_slice_once_in_order() {
        let elements = [3, 0, 100, 1, 17, 64];
        for ranks in 1..=4 {
            for most in [1, 5, 1000] {
                let groups = pieces(&elements, ranks, most);
                for rank in 0..ranks {
                    let mut seen = vec![Vec::new(); elements.len()];
                    for group in &groups {
                        let of = |piece: &Piece| piece.of(ranks, rank).len();
                        assert!(group.iter().map(of).sum::<usize>() <= most);
                        for piece in group {
                            seen[piece.parameter].extend(piece.of(ranks, rank));
                        }
                    }
                    for (seen, &elements) in seen.iter().zip(&elements) {
                        assert!(seen.iter().copied().eq(slice(elements, ranks, rank)));
                    }
                }
                let last = groups.iter().flatten().filter(|piece| piece.last).count();
                // The one without elements has no piece.
                assert_eq!(last, elements.len() - 1);
            }
        }
    }
}
