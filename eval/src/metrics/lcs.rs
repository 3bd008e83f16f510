//! The words of one longest common subsequence: which of several, decides a score.

/// Calls `each` with the words on the longest common subsequence of `x` and `y` that the Python package `rouge` finds.
///
/// T\[i, j\] is the length for the first i words of `x` and the first j of `y`. From the end of both: a word that both
/// have here is on the path; else back in `x` where T\[i−1, j\] > T\[i, j−1\], and back in `y` where not. (`rouge` 1.0.1,
/// `_recon_lcs`; it recurses, and ends with an error at about a thousand words, which this does not.)
///
/// Time is |x|·|y|, memory |x|·|y| bits: of the table only that comparison is kept.
pub(super) fn common_words(x: &[u32], y: &[u32], mut each: impl FnMut(u32)) {
    let mut back_in_x = Bits::new(x.len() * y.len());
    let mut above = vec![0u32; y.len() + 1];
    let mut row = vec![0u32; y.len() + 1];
    for (i, word) in x.iter().enumerate() {
        for (j, other) in y.iter().enumerate() {
            row[j + 1] = if word == other {
                above[j] + 1
            } else {
                if above[j + 1] > row[j] {
                    back_in_x.set(i * y.len() + j);
                }
                above[j + 1].max(row[j])
            };
        }
        std::mem::swap(&mut above, &mut row);
    }
    let (mut i, mut j) = (x.len(), y.len());
    while i > 0 && j > 0 {
        if x[i - 1] == y[j - 1] {
            (i, j) = (i - 1, j - 1);
            each(x[i]);
        } else if back_in_x.get((i - 1) * y.len() + j - 1) {
            i -= 1;
        } else {
            j -= 1;
        }
    }
}

struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn set(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn get(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(x: &[u32], y: &[u32]) -> Vec<u32> {
        let mut found = Vec::new();
        common_words(x, y, |word| found.push(word));
        found.reverse();
        found
    }

    #[test]
    fn one_path_of_several() {
        assert!(words(&[], &[1]).is_empty());
        assert!(words(&[1], &[]).is_empty());
        assert!(words(&[1, 2, 3], &[4, 5]).is_empty());
        assert_eq!(words(&[1, 2, 3], &[1, 2, 3]), [1, 2, 3]);
        assert_eq!(words(&[1, 2, 3, 4], &[2, 9, 4]), [2, 4]);
        // Both ways are as long: it goes back in y, so the match nearer to y's beginning is found.
        assert_eq!(words(&[1, 2], &[2, 1]), [2]);
        assert_eq!(words(&[2, 1], &[1, 2]), [1]);
    }
}
