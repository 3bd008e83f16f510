//! The numbers of a text, so that those that nobody told an agent can be found.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// A text's numbers, without zeros at the end of their decimals: `21.50` is `21.5`, `−5` is `-5`. A comma between digits
/// separates numbers (`[1,234]`); where `grouped`, one before three digits belongs to the number.
pub(super) fn numbers(text: &str, grouped: bool) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let negative = matches!(letter, '-' | '\u{2212}') && !before.is_alphanumeric();
        let next = letters.peek().copied().unwrap_or(' ');
        before = letter;
        if letter.is_ascii_digit() {
            numbers.insert(number(letter.to_string(), &mut letters, grouped));
            before = '0';
        } else if negative && next.is_ascii_digit() {
            numbers.insert(number("-".to_owned(), &mut letters, grouped));
            before = '0';
        }
    }
    numbers
}

/// The number that begins with `digits` and goes on in `letters`.
fn number(mut digits: String, letters: &mut Peekable<Chars<'_>>, grouped: bool) -> String {
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
pub(super) fn unescaped(text: &str) -> String {
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
    fn numbers_are_found_whatever_their_notation() {
        for (text, plain, grouped) in [
            ("21.50 °C or 5.0", "21.5 5", "21.5 5"),
            ("1,234,567.50", "1 234 567.5", "1234567.5"),
            ("[1,2345]", "1 2345", "1 2345"),
            ("2026-11-03", "2026 11 03", "2026 11 03"),
            ("\u{2212}5, -7 and AB12", "-5 -7 12", "-5 -7 12"),
            ("1.5.20.", "1.5.20", "1.5.20"),
            ("no - one. 1.", "1", "1"),
        ] {
            let set = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(numbers(text, false), set(plain), "{text}");
            assert_eq!(numbers(text, true), set(grouped), "{text}");
        }
    }

    #[test]
    fn escapes_are_what_they_stand_for() {
        for (text, plain) in [
            ("Orl\\u00e9ans", "Orléans"),
            ("a\\nb", "a b"),
            ("\\\"x\\\"", " \"x \""),
            ("\\", " "),
            ("\\u12", " u12"),
            ("\\uzzzz", " uzzzz"),
            ("\\ud83d", " ud83d"),
            ("é\\é", "é é"),
        ] {
            assert_eq!(unescaped(text), plain, "{text}");
        }
    }
}
