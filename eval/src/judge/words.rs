//! Texts as sequences of words and numbers, so that the same fact in another notation is the same.

use std::iter::Peekable;
use std::str::Chars;

/// A text's words in lower case and its numbers, without what stands between them.
///
/// `21.50 °C` and `21.5°c` are the same, as are `AB123` and `ab 123`, `−5` and `-5`, `5,300` and `5300`. An escape of a
/// JSON text (`\u00e9`, `\n`) is what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(Vec<Word>);

/// A word or a number, normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Letters(String),
    Number(String),
}

impl Words {
    /// The words of a text. A comma between digits separates numbers (`[1,234]`).
    pub fn of(text: &str) -> Self {
        Self::read(text, false)
    }

    /// The words of a text. A comma before three digits belongs to the number (`1,234`).
    pub fn of_grouped(text: &str) -> Self {
        Self::read(text, true)
    }

    fn read(text: &str, grouped: bool) -> Self {
        let text = unescaped(text);
        let mut words = Vec::new();
        let mut letters = text.chars().peekable();
        let mut before = ' ';
        while let Some(letter) = letters.next() {
            let negative = matches!(letter, '-' | '\u{2212}') && !before.is_alphanumeric();
            let next = letters.peek().copied().unwrap_or(' ');
            if letter.is_ascii_digit() || negative && next.is_ascii_digit() {
                let sign = if negative { "-" } else { "" };
                let first = if negative { None } else { Some(letter) };
                words.push(Word::Number(number(sign, first, &mut letters, grouped)));
                before = '0';
                continue;
            }
            if letter.is_alphanumeric() {
                let mut word = letter.to_lowercase().to_string();
                while let Some(next) =
                    letters.next_if(|next| next.is_alphanumeric() && !next.is_ascii_digit())
                {
                    word.extend(next.to_lowercase());
                }
                words.push(Word::Letters(word));
                before = 'a';
                continue;
            }
            before = letter;
        }
        Self(words)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `others` stand in it, one after the other; none do never.
    pub fn hold(&self, others: &Words) -> bool {
        !others.is_empty() && self.0.windows(others.0.len()).any(|part| part == others.0)
    }

    /// The first number that none of `known` holds.
    pub fn number_unknown_to(&self, known: &[Words]) -> Option<&str> {
        self.0.iter().find_map(|word| match word {
            Word::Number(number) if !known.iter().any(|known| known.0.contains(word)) => {
                Some(number.as_str())
            }
            _ => None,
        })
    }
}

/// The number that begins with `first` and goes on in `letters`.
fn number(
    sign: &str,
    first: Option<char>,
    letters: &mut Peekable<Chars<'_>>,
    grouped: bool,
) -> String {
    let mut digits: String = sign.to_owned();
    digits.extend(first);
    loop {
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let mut ahead = letters.clone();
        match ahead.next() {
            Some('.') if ahead.peek().is_some_and(char::is_ascii_digit) => {
                letters.next();
                digits.push('.');
            }
            Some(',') if grouped && is_group(ahead) && !digits.contains('.') => {
                letters.next();
            }
            _ => break,
        }
    }
    if digits.matches('.').count() == 1 {
        let end = digits.trim_end_matches('0').trim_end_matches('.').len();
        digits.truncate(end);
    }
    digits
}

/// Whether three digits follow, and no fourth.
fn is_group(mut ahead: Peekable<Chars<'_>>) -> bool {
    (0..3).all(|_| ahead.next_if(char::is_ascii_digit).is_some())
        && ahead.peek().is_none_or(|next| !next.is_ascii_digit())
}

/// A text with the escapes of JSON strings replaced.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let unicode = after.strip_prefix('u').and_then(|after| after.get(..4));
        let code = unicode.and_then(|code| u32::from_str_radix(code, 16).ok());
        rest = match (code.and_then(char::from_u32), after.chars().next()) {
            (Some(letter), _) => {
                plain.push(letter);
                &after[5..]
            }
            (None, Some('n' | 't' | 'r' | 'b' | 'f')) => {
                plain.push(' ');
                &after[1..]
            }
            _ => {
                plain.push(' ');
                after
            }
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fact_in_another_notation_is_the_same() {
        for (one, other) in [
            ("21.50 °C", "21.5°c"),
            ("AB123", "ab 123"),
            ("it is \u{2212}5.", "It is -5"),
            ("{\"city\":\"Orl\\u00e9ans\"}", "city Orléans"),
            ("a\\nb", "A b"),
            ("2026-11-03", "2026/11/03"),
            ("5.0", "5"),
            ("14:05", "14 05"),
        ] {
            assert_eq!(Words::of(one), Words::of(other), "{one}");
        }
        assert_eq!(Words::of_grouped("1,234,567.50"), Words::of("1234567.5"));
        assert_eq!(Words::of_grouped("1,2345"), Words::of("1 2345"));
        assert_ne!(Words::of("1,234"), Words::of("1234"));
        assert_ne!(Words::of("1.5.20"), Words::of("1.5.2"));
    }

    #[test]
    fn words_are_whole() {
        let reply = Words::of("{\"year\":2026,\"score\":[1,25],\"name\":\"New York\"}");
        for (fact, holds) in [
            ("2026", true),
            ("26", false),
            ("2", false),
            ("25", true),
            ("new york", true),
            ("york new", false),
            ("yor", false),
            ("", false),
            ("...", false),
        ] {
            assert_eq!(reply.hold(&Words::of(fact)), holds, "{fact}");
        }
    }

    #[test]
    fn numbers_that_nobody_knows_are_found() {
        let known = [Words::of("at 7"), Words::of("12.5")];
        assert_eq!(Words::of("7 or 12.50").number_unknown_to(&known), None);
        assert_eq!(Words::of("7 or 12").number_unknown_to(&known), Some("12"));
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "\\",
            "\\u12",
            "\\uzzzz",
            "\\ud83d\\ude00",
            "-",
            "1.",
            "1,",
            "é\\é",
            "\0",
        ] {
            let _ = (Words::of(text), Words::of_grouped(text));
        }
    }
}
