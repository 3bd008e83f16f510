//! Where in the user's input a value or an error sits.

use std::fmt;

/// Where a key was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a recipe file or built-in.
    File {
        /// The file as the user named it, or ``built-in `name` ``.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// In an override: `key=value`.
    Override(String),
    /// Nowhere in particular: the recipe as a whole.
    Recipe(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Place::Override(text) => write!(f, "--set {text}"),
            Place::Recipe(file) => f.write_str(file),
        }
    }
}

/// Turns byte offsets into places.
pub(crate) enum Locator<'a> {
    /// Offsets into a recipe's text.
    File { file: &'a str, text: &'a str },
    /// The one override, wherever in it.
    Override(String),
}

impl Locator<'_> {
    pub(crate) fn at(&self, offset: usize) -> Place {
        match self {
            Locator::Override(text) => Place::Override(text.clone()),
            Locator::File { file, text } => {
                // An error at the end of a file may point behind it or, in hostile input, into a character.
                let before = text.get(..offset).unwrap_or(text);
                let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                Place::File {
                    file: (*file).to_owned(),
                    line: before.matches('\n').count() + 1,
                    column: before[line_start..].chars().count() + 1,
                }
            }
        }
    }
}

/// The user's own text in a message: one line, no control characters, cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let cut = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(end, _)| end);
    let mut shown = escaped(&text[..cut]);
    if cut < text.len() {
        shown.push('…');
    }
    shown
}

/// Text without control characters, such as a path that must be shown whole.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            escaped.extend(c.escape_debug());
        } else {
            escaped.push(c);
        }
    }
    escaped
}
