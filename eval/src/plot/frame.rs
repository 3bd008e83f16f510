//! Where the parts of a plot go.

/// Drawn pixels in a unit of the plot: the drawing library knows whole pixels alone, and curves are to be smooth.
pub(super) const UNIT: u32 = 4;
/// The height of text, in units.
pub(super) const TEXT_HEIGHT: u32 = 11;
/// The height of the title's text.
pub(super) const TITLE_HEIGHT: u32 = 14;
/// A line of text with the space below it.
pub(super) const LINE: u32 = 17;
/// The line that stands for a series in the legend, with the spaces around it.
pub(super) const SAMPLE: u32 = 22;

/// About the width of a text in a common sans-serif font, in units.
pub(super) fn width(text: &str, height: u32) -> u32 {
    let part = |letter: char| match letter {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | '.' | ',' | ':' | '-' | '(' | ')' => 0.32,
        'm' | 'w' | 'M' | 'W' | '%' => 0.86,
        'A'..='Z' => 0.68,
        _ if letter.is_ascii() => 0.56,
        _ => 1.0,
    };
    (text.chars().map(part).sum::<f64>() * f64::from(height)).ceil() as u32
}

/// Where the legend's names begin: rows and columns, in units from the left, and how many rows there are.
pub(super) fn legend(names: &[&str], room: u32) -> (Vec<(u32, u32)>, u32) {
    let (mut row, mut column) = (0, 0);
    let mut places = Vec::new();
    for name in names {
        let needed = SAMPLE + width(name, TEXT_HEIGHT);
        if column > 0 && column + needed > room {
            (row, column) = (row + 1, 0);
        }
        places.push((row, column));
        column += needed + 14;
    }
    let rows = if names.is_empty() { 0 } else { row + 1 };
    (places, rows)
}
