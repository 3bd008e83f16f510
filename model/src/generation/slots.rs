//! Which rows of the cache are free.

use std::ops::Range;

/// Rows of the cache in the order of the tokens that they hold: ranges, none empty, no two of which could be one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotList {
    ranges: Vec<Range<usize>>,
}

impl SlotList {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// Puts a range at the end.
    pub fn push(&mut self, range: Range<usize>) {
        match self.ranges.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// Puts other rows at the end.
    pub fn extend(&mut self, other: &SlotList) {
        for range in &other.ranges {
            self.push(range.clone());
        }
    }

    /// The rows of the tokens `from..to`.
    pub fn part(&self, from: usize, to: usize) -> SlotList {
        let mut part = SlotList::default();
        let mut start = 0;
        for range in &self.ranges {
            let end = start + range.len();
            let (low, high) = (from.max(start), to.min(end));
            if low < high {
                part.push(range.start + low - start..range.start + high - start);
            }
            start = end;
        }
        part
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }
}

/// The free rows of a cache.
#[derive(Debug, Default)]
pub(crate) struct FreeSlots {
    /// Ascending, apart from each other.
    ranges: Vec<Range<usize>>,
    capacity: usize,
}

impl FreeSlots {
    /// The number of rows, free or not.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of free rows.
    pub fn free(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// Adds rows at the end.
    pub fn grow(&mut self, capacity: usize) {
        let added = self.capacity..capacity;
        self.capacity = capacity;
        self.release(added);
    }

    /// Takes `count` rows, from one place if there is one, or none where there are not so many.
    pub fn take(&mut self, count: usize) -> Option<SlotList> {
        if self.free() < count {
            return None;
        }
        let mut taken = SlotList::default();
        // The smallest place that holds them all keeps large places whole.
        let fitting = (0..self.ranges.len()).filter(|&at| self.ranges[at].len() >= count);
        if let Some(at) = fitting.min_by_key(|&at| self.ranges[at].len()) {
            let range = &mut self.ranges[at];
            taken.push(range.start..range.start + count);
            range.start += count;
        } else {
            for range in &mut self.ranges {
                let part = range.len().min(count - taken.len());
                taken.push(range.start..range.start + part);
                range.start += part;
            }
        }
        self.ranges.retain(|range| !range.is_empty());
        Some(taken)
    }

    /// Gives rows back.
    pub fn give(&mut self, slots: &SlotList) {
        for range in &slots.ranges {
            self.release(range.clone());
        }
    }

    fn release(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let at = self.ranges.partition_point(|free| free.start < range.start);
        debug_assert!(at == 0 || self.ranges[at - 1].end <= range.start);
        debug_assert!(at == self.ranges.len() || range.end <= self.ranges[at].start);
        self.ranges.insert(at, range);
        if at + 1 < self.ranges.len() && self.ranges[at].end == self.ranges[at + 1].start {
            self.ranges[at].end = self.ranges.remove(at + 1).end;
        }
        if at > 0 && self.ranges[at - 1].end == self.ranges[at].start {
            self.ranges[at - 1].end = self.ranges.remove(at).end;
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a run of one range is a list of ranges"
)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_tokens() {
        let mut list = SlotList::default();
        for range in [10..14, 3..5, 5..6, 20..20] {
            list.push(range);
        }
        assert_eq!(list.ranges(), [10..14, 3..6]);
        assert_eq!(list.len(), 7);
        assert_eq!(list.part(2, 5).ranges(), [12..14, 3..4]);
        assert_eq!(list.part(4, 7).ranges(), [3..6]);
        assert!(list.part(7, 7).ranges().is_empty());
    }

    #[test]
    fn what_is_taken_is_taken_once_and_comes_back() {
        let mut free = FreeSlots::default();
        free.grow(10);
        let (a, b, c) = (free.take(4), free.take(3), free.take(2));
        let (Some(a), Some(b), Some(c)) = (a, b, c) else {
            panic!("there was room");
        };
        assert_eq!(
            (a.ranges(), b.ranges(), c.ranges()),
            (&[0..4][..], &[4..7][..], &[7..9][..])
        );
        assert_eq!(free.take(2), None);
        free.give(&b);
        // Not in one place.
        assert_eq!(
            free.take(4).map(|slots| slots.ranges().to_vec()),
            Some(vec![4..7, 9..10])
        );
        free.give(&a);
        free.give(&c);
        free.grow(12);
        assert_eq!(free.free(), 8);
        // The smallest place that is large enough.
        assert_eq!(
            free.take(2).map(|slots| slots.ranges().to_vec()),
            Some(vec![7..9])
        );
    }
}
