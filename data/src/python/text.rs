//! Python's `str` methods, where Rust's differ.

/// `text[:count]`: the first `count` code points.
pub fn first_chars(text: &str, count: usize) -> &str {
    match text.char_indices().nth(count) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// `text[-count:]`: the last `count` code points. As in Python, `count` 0 is the whole text.
pub fn last_chars(text: &str, count: usize) -> &str {
    let Some(before_last) = count.checked_sub(1) else {
        return text;
    };
    match text.char_indices().nth_back(before_last) {
        Some((start, _)) => &text[start..],
        None => text,
    }
}

/// `char.isspace()`: Unicode white space and the four ASCII separators U+001C to U+001F.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `text.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_count_code_points() {
        assert_eq!(first_chars("añb😀c", 2), "añ");
        assert_eq!(first_chars("añb😀c", 4), "añb😀");
        assert_eq!(first_chars("añ", 9), "añ");
        assert_eq!(first_chars("añ", 0), "");
        assert_eq!(last_chars("añb😀c", 2), "😀c");
        assert_eq!(last_chars("añ", 9), "añ");
        assert_eq!(last_chars("añ", 0), "añ");
        assert_eq!(last_chars("", 3), "");
    }

    #[test]
    fn strip_knows_pythons_white_space() {
        assert_eq!(
            strip("\u{1c}\u{a0}\u{3000} a\u{200b} \u{85}\n"),
            "a\u{200b}"
        );
        assert_eq!(strip(" \t\r\n\u{b}\u{c}"), "");
    }
}
