//! ROUGE-L as the Python package `rouge` 1.0.1 computes it (`rouge`).

use std::collections::{HashMap, HashSet};

use glpft_data::python::is_space;

use super::lcs::common_words;

/// The most word pairs (reference × hypothesis) that are compared: 16,384 words each. Beyond that an answer is refused
/// instead of taking minutes and gigabytes.
pub const MAX_WORD_PAIRS: usize = 1 << 28;

/// Why two texts have no ROUGE-L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RougeError {
    /// The hypothesis has no sentence.
    #[error("the predicted answer is empty, or nothing but full stops")]
    EmptyHypothesis,
    /// The reference has no sentence.
    #[error("the reference's answer is empty, or nothing but full stops")]
    EmptyReference,
    /// More than [`MAX_WORD_PAIRS`].
    #[error(
        "an answer of {hypothesis} words and a reference's of {reference} are too long to compare"
    )]
    TooLong {
        /// The hypothesis' words.
        hypothesis: usize,
        /// The reference's words.
        reference: usize,
    },
}

/// ROUGE-L's F, at the level of summaries.
///
/// A text's sentences lie between its full stops (so `1.5` is two); an empty piece is none, one of white space is a
/// sentence of one empty word. With m and n the numbers of *different* words of reference and hypothesis, and U the set
/// of words that are on the longest common subsequence (`lcs.rs`) of any sentence of the one and any sentence of the
/// other: r = |U| / m, p = |U| / n, F = 2pr / (p + r + 10⁻⁸), so that equal texts score just below 1.
///
/// rouge = the mean of F over steps whose reference is a finish, where a step without an answer answers `none`. Sources:
/// `rouge` 1.0.1, `rouge_l_summary_level`; α-UMi, `evaluate-multi_agent.py`, `evaluate_rougel`.
///
/// # Errors
/// Where a text has no sentence (the package raises there) or the texts are too long.
pub fn rouge_l(hypothesis: &str, reference: &str) -> Result<f64, RougeError> {
    let mut ids = HashMap::new();
    let y = Sentences::split(hypothesis, &mut ids);
    let x = Sentences::split(reference, &mut ids);
    if y.words.is_empty() {
        return Err(RougeError::EmptyHypothesis);
    }
    if x.words.is_empty() {
        return Err(RougeError::EmptyReference);
    }
    if x.words.len().saturating_mul(y.words.len()) > MAX_WORD_PAIRS {
        return Err(RougeError::TooLong {
            hypothesis: y.words.len(),
            reference: x.words.len(),
        });
    }
    let mut union = HashSet::new();
    for x in x.each() {
        for y in y.each() {
            common_words(x, y, |word| {
                union.insert(word);
            });
        }
    }
    let r = union.len() as f64 / x.different() as f64;
    let p = union.len() as f64 / y.different() as f64;
    Ok(2.0 * (p * r / (p + r + 1e-8)))
}

/// A text's sentences, words as numbers.
struct Sentences {
    /// All words, sentence after sentence.
    words: Vec<u32>,
    /// Where each sentence ends in `words`.
    ends: Vec<usize>,
}

impl Sentences {
    fn split<'t>(text: &'t str, ids: &mut HashMap<&'t str, u32>) -> Self {
        let mut sentences = Self {
            words: Vec::new(),
            ends: Vec::new(),
        };
        for piece in text.split('.').filter(|piece| !piece.is_empty()) {
            let start = sentences.words.len();
            let mut push = |word| {
                // A text of 2³² different words is beyond every limit above.
                let next = ids.len() as u32;
                sentences.words.push(*ids.entry(word).or_insert(next));
            };
            piece
                .split(is_space)
                .filter(|word| !word.is_empty())
                .for_each(&mut push);
            if sentences.words.len() == start {
                // `"".split(" ")` is one empty word in Python.
                let next = ids.len() as u32;
                sentences.words.push(*ids.entry("").or_insert(next));
            }
            sentences.ends.push(sentences.words.len());
        }
        sentences
    }

    fn each(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.words[start..end])
    }

    fn different(&self) -> usize {
        self.words.iter().collect::<HashSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_package_computes_it() {
        for (hypothesis, reference, expected) in [
            (
                "the cat sat on the mat",
                "the mat sat on the cat",
                0.599999995,
            ),
            ("a.\n", "a.", 0.6666666622),
            (
                "w1 w2 w6 w7 w8. w1 w3 w8 w9 w5",
                "w1 w2 w3 w4 w5",
                0.6153846107,
            ),
            ("price is 1.5 usd. ok", "price is 1.5 usd", 0.9090909041),
            ("a a a", "a", 0.999999995),
            ("a", "b", 0.0),
            ("A", "a", 0.0),
            (" . ", " ", 0.999999995),
            ("a\u{1c}b\u{a0}c", " a  b\tc\n", 0.999999995),
            ("a\u{200b}b", "a b", 0.0),
        ] {
            let found = rouge_l(hypothesis, reference);
            assert!(
                found.is_ok_and(|f| (f - expected).abs() < 1e-9),
                "{hypothesis:?} {reference:?} {found:?}"
            );
        }
    }

    #[test]
    fn texts_without_a_sentence_have_no_score() {
        for empty in ["", ".", "..."] {
            assert_eq!(rouge_l(empty, "a"), Err(RougeError::EmptyHypothesis));
            assert_eq!(rouge_l("a", empty), Err(RougeError::EmptyReference));
        }
    }

    #[test]
    fn texts_too_long_are_refused() {
        let long = "a ".repeat(20_000);
        assert_eq!(
            rouge_l(&long, &long),
            Err(RougeError::TooLong {
                hypothesis: 20_000,
                reference: 20_000
            })
        );
        assert!(rouge_l(&long, "a b").is_ok());
    }
}
