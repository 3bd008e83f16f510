//! What gives way where an example is longer than the model reads.
//!
//! `last` keeps the last tokens, whatever they are. `oldest-turns` keeps the prompt's text around the history (the
//! tools), the instruction and the target, and leaves out whole turns after the instruction, oldest first:
//! - an example that fits stays whole;
//! - the ones that do not, of one trajectory, leave out the *same* turns, as many as the neediest of them must, so
//!   that their prompts still share a prefix;
//! - one for which that would leave no history at all, though it needs less, is not held to it: it shares the next
//!   smaller cut, of the neediest among those left;
//! - one that does not fit even without history is dropped ([`DropReason::NoRoom`]): cutting into the tools would
//!   teach calls to tools that the prompt does not show.

use std::fmt;

/// Why an example is left out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// It is longer than the maximum, and `truncate` is `drop`.
    TooLong,
    /// Tools, instruction and target alone are longer than the maximum.
    NoRoom,
    /// No token of it would be learned.
    NoLabel,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::TooLong => "too long",
            DropReason::NoRoom => "too long without any history",
            DropReason::NoLabel => "nothing to learn",
        })
    }
}

/// Keeps the last `max_length` tokens; returns where the labels start now. A target that is cut itself starts at
/// 0, and its first token that is kept has nothing to be predicted from.
pub(crate) fn keep_last(tokens: &mut Vec<u32>, label_start: usize, max_length: usize) -> usize {
    let gone = tokens.len().saturating_sub(max_length);
    tokens.drain(..gone);
    label_start.saturating_sub(gone)
}

/// The smallest cut in `1..=droppable` that fits, by bisection: more turns left out are fewer tokens. None where nothing
/// fits.
///
/// # Errors
/// What `fits` ends with.
pub fn smallest_cut<E>(
    droppable: usize,
    mut fits: impl FnMut(usize) -> Result<bool, E>,
) -> Result<Option<usize>, E> {
    if droppable == 0 || !fits(droppable)? {
        return Ok(None);
    }
    let (mut low, mut high) = (1, droppable);
    while low < high {
        let middle = low + (high - low) / 2;
        if fits(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(high))
}

/// How many turns an example must, and can, leave out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) smallest: usize,
    pub(crate) droppable: usize,
}

/// A cut for each example, the same for as many as possible.
pub(crate) fn shared_cuts(needs: &[Need]) -> Vec<usize> {
    let mut cuts = vec![0; needs.len()];
    let mut left: Vec<usize> = (0..needs.len()).collect();
    while let Some(largest) = left.iter().map(|&index| needs[index].smallest).max() {
        left.retain(|&index| {
            let takes = needs[index].smallest == largest || largest < needs[index].droppable;
            if takes {
                cuts[index] = largest;
            }
            !takes
        });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tokens_stay() {
        let mut tokens = vec![1, 2, 3, 4, 5];
        assert_eq!(keep_last(&mut tokens, 3, 4), 2);
        assert_eq!(tokens, [2, 3, 4, 5]);
        assert_eq!(keep_last(&mut tokens, 2, 1), 0);
        assert_eq!(tokens, [5]);
        assert_eq!(keep_last(&mut tokens, 0, 9), 0);
    }

    #[test]
    fn bisection_finds_the_smallest() {
        for droppable in 0..9 {
            for first in 1..12 {
                let found =
                    smallest_cut(droppable, |cut| Ok::<_, ()>(cut >= first)).unwrap_or(None);
                assert_eq!(
                    found,
                    (first <= droppable).then_some(first),
                    "{droppable} {first}"
                );
            }
        }
    }

    #[test]
    fn cuts_are_shared_unless_they_would_leave_no_history() {
        let cuts = |needs: &[(usize, usize)]| {
            let needs: Vec<Need> = needs
                .iter()
                .map(|&(smallest, droppable)| Need {
                    smallest,
                    droppable,
                })
                .collect();
            shared_cuts(&needs)
        };
        assert_eq!(cuts(&[(1, 6), (2, 8), (3, 10)]), [3, 3, 3]);
        assert_eq!(cuts(&[(1, 3), (2, 4), (5, 10)]), [2, 2, 5]);
        assert_eq!(cuts(&[(2, 2), (2, 4)]), [2, 2]);
        assert_eq!(cuts(&[]), [] as [usize; 0]);
    }
}
