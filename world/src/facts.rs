//! Which of a task's facts an answer states.

use crate::truth::{Slot, Truth};

/// Whether each of the truth's slots is stated, in their order.
///
/// Compared are words: letters in lower case, white space and punctuation as one space, numbers without thousands
/// separators and without zeros at the end of their decimals. So `1,250.50` states `1250.5`, and `1250` does not state `125`.
pub fn facts_in(answer: &str, truth: &Truth) -> Vec<bool> {
    let answer = normalized(answer);
    let states = |slot: &Slot| {
        slot.accepted.iter().any(|text| {
            let text = normalized(text);
            !text.trim().is_empty() && answer.contains(&text)
        })
    };
    truth.slots.iter().map(states).collect()
}

/// The words of a text, each between spaces.
fn normalized(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let digit_at = |at: Option<usize>| {
        at.and_then(|at| characters.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    let mut words = String::from(" ");
    for (at, character) in characters.iter().enumerate() {
        let between_digits = digit_at(at.checked_sub(1)) && digit_at(Some(at + 1));
        match character {
            ',' if between_digits && is_thousands(&characters, at) => {}
            '.' | ':' if between_digits => words.push(*character),
            '-' if digit_at(Some(at + 1)) && words.ends_with(' ') => words.push('-'),
            _ if character.is_alphanumeric() => words.extend(character.to_lowercase()),
            _ if words.ends_with(' ') => {}
            _ => words.push(' '),
        }
    }
    let words: Vec<&str> = words.split_whitespace().map(without_zeros).collect();
    format!(" {} ", words.join(" "))
}

/// A comma with exactly three digits behind it.
fn is_thousands(characters: &[char], comma: usize) -> bool {
    let digits = characters[comma + 1..]
        .iter()
        .take_while(|character| character.is_ascii_digit());
    digits.count() == 3
}

/// `12.50` as `12.5`, `12.0` as `12`.
fn without_zeros(word: &str) -> &str {
    let is_decimal = word.split_once('.').is_some_and(|(whole, decimals)| {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole.trim_start_matches('-')) && digits(decimals)
    });
    match is_decimal {
        true => word.trim_end_matches('0').trim_end_matches('.'),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(answer: &str, fact: &str) -> bool {
        let truth = Truth {
            solvable: true,
            recoverable: false,
            slots: vec![Slot {
                name: "fact".to_owned(),
                accepted: vec!["unlikely".to_owned(), fact.to_owned()],
            }],
            calls: Vec::new(),
        };
        facts_in(answer, &truth) == [true]
    }

    #[test]
    fn facts_are_compared_as_people_read_them() {
        for (answer, fact) in [
            ("The price is 12.50.", "12.5"),
            ("The price is 12.5", "12.50"),
            ("It is 12.0 now", "12"),
            ("About 1,250,000 people.", "1250000"),
            ("1250000", "1,250,000"),
            ("It is by  ANNA\nMirsen.", "Anna Mirsen"),
            ("at 14:30.", "14:30"),
            ("(1990)", "1990"),
            ("-5 degrees", "-5"),
            ("the red one", "Red"),
            ("1, 2 and 300", "300"),
        ] {
            assert!(states(answer, fact), "{answer:?} states {fact:?}");
        }
        for (answer, fact) in [
            ("The price is 112.5", "12.5"),
            ("The price is 12.55", "12.5"),
            ("1990s", "1990"),
            ("14:300", "14:30"),
            ("Annaa Mirsen", "Anna Mirsen"),
            ("10 and 20", "1020"),
            ("", "x"),
            ("anything", ""),
            ("100", "1"),
            ("5", "-5"),
        ] {
            assert!(!states(answer, fact), "{answer:?} does not state {fact:?}");
        }
    }
}
