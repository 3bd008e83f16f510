//! Foreign text.

use maud::{Escaper, Render};

/// The longest text that is shown whole, in characters.
const LONGEST: usize = 6000;

/// Text of the run, escaped; what is no visible character becomes one, and does not turn the line around.
pub(super) struct Foreign<'t>(pub &'t str);

impl Render for Foreign<'_> {
    fn render_to(&self, buffer: &mut String) {
        use std::fmt::Write;
        let shown: String = self.0.chars().map(visible).collect();
        // Writing to a string does not fail.
        let _ = Escaper::new(buffer).write_str(&shown);
    }
}

fn visible(letter: char) -> char {
    match letter {
        '\n' | '\t' => letter,
        // The symbols of the control characters (Unicode, Control Pictures).
        '\0'..='\u{1f}' => char::from_u32(0x2400 + letter as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // They change the direction of what follows.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => letter,
    }
}

/// The beginning of a long text, and how many characters are left out.
pub(super) fn beginning(text: &str) -> (&str, usize) {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
        None => (text, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_markup() {
        let text = Foreign("<b a=\"x\">&\0\u{1b}\r\n\u{202e}é").render().0;
        assert_eq!(
            text,
            "&lt;b a=&quot;x&quot;&gt;&amp;\u{2400}\u{241b}\u{240d}\n\u{fffd}é"
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "é".repeat(LONGEST + 5);
        let (shown, more) = beginning(&text);
        assert_eq!((shown.chars().count(), more), (LONGEST, 5));
        assert_eq!(beginning("short"), ("short", 0));
    }
}
