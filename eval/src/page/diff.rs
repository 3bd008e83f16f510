//! Two texts side by side, the words that differ marked.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::number::count;
use super::text::{Foreign, beginning};

/// The reference and what was said: words of the one alone are marked as missing, words of the other alone as added.
pub(super) fn sides(reference: &str, said: &str) -> Markup {
    let ((reference, reference_more), (said, said_more)) = (beginning(reference), beginning(said));
    let diff = TextDiff::from_words(reference, said);
    let mut missing = Vec::new();
    let mut added = Vec::new();
    for change in diff.iter_all_changes() {
        let word = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut missing, false, word);
                push(&mut added, false, word);
            }
            ChangeTag::Delete => push(&mut missing, true, word),
            ChangeTag::Insert => push(&mut added, true, word),
        }
    }
    html! {
        div.sides {
            div.side {
                div.side-name { "reference" }
                p.said {
                    @for (differs, text) in &missing {
                        @if *differs { del { (Foreign(text)) } } @else { (Foreign(text)) }
                    }
                    (more(reference_more))
                }
            }
            div.side {
                div.side-name { "prediction" }
                p.said {
                    @if said.trim().is_empty() { span.nothing { "nothing" } }
                    @for (differs, text) in &added {
                        @if *differs { ins { (Foreign(text)) } } @else { (Foreign(text)) }
                    }
                    (more(said_more))
                }
            }
        }
    }
}

/// Puts a word where others of its kind are, so that a row of them is one mark.
fn push(parts: &mut Vec<(bool, String)>, differs: bool, word: &str) {
    match parts.last_mut() {
        Some((last, text)) if *last == differs => text.push_str(word),
        _ => parts.push((differs, word.to_owned())),
    }
}

fn more(characters: usize) -> Markup {
    html! {
        @if characters > 0 {
            span.nothing { " … " (count(characters as u64)) " more characters" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_differ_are_marked() {
        let html = sides("call weather in Paris", "call <weather> in Rome now").0;
        assert!(
            html.contains("call <del>weather</del> in <del>Paris</del>"),
            "{html}"
        );
        assert!(
            html.contains("call <ins>&lt;weather&gt;</ins> in <ins>Rome now</ins>"),
            "{html}"
        );
        let same = sides("a b", "a b").0;
        assert!(!same.contains("<del>") && !same.contains("<ins>"));
        assert!(sides("a", " ").0.contains("nothing"));
    }
}
