//! Colours, for light and for dark.

use plotters::style::RGBColor;

/// A colour on a light page and the one that stands for it on a dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    light: u32,
    dark: u32,
}

/// The lines' colours: told apart by people who see fewer colours, too, and at least 3:1 against the page.
const SERIES: [Colour; 6] = [
    Colour::new(0x2F5FD0, 0x8AB0FF),
    Colour::new(0xC4520A, 0xFFA561),
    Colour::new(0x0C7C6C, 0x4FD0B8),
    Colour::new(0xA0379B, 0xE79BE2),
    Colour::new(0x7A6A00, 0xD8C64A),
    Colour::new(0x5B6472, 0xB4BDCA),
];
/// Titles.
pub(super) const TEXT: Colour = Colour::new(0x1B2027, 0xEDEFF2);
/// Labels.
pub(super) const LABEL: Colour = Colour::new(0x5F6876, 0x9AA4B2);
/// The line at the foot.
pub(super) const AXIS: Colour = Colour::new(0xB6BDC7, 0x4A5360);
/// The lines behind.
pub(super) const GRID: Colour = Colour::new(0xE6E9EE, 0x2A3039);
/// Behind a dot.
pub(super) const PAGE: Colour = Colour::new(0xFFFFFE, 0x14181E);

impl Colour {
    const fn new(light: u32, dark: u32) -> Self {
        Self { light, dark }
    }

    /// The colour of a series, counted from 0; they begin anew after the last.
    pub fn of_series(index: usize) -> Self {
        SERIES[index % SERIES.len()]
    }

    /// As the drawing library has it, which draws for a light page.
    pub fn drawn(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

/// The style sheet of a page with plots: what is drawn in a light page's colour takes the dark page's where the reader
/// prefers that.
pub fn style() -> String {
    let mut rules = String::from("svg.plot{display:block;width:100%;height:auto}\n");
    rules += "@media (prefers-color-scheme:dark){\n";
    for colour in SERIES.into_iter().chain([TEXT, LABEL, AXIS, GRID, PAGE]) {
        let Colour { light, dark } = colour;
        for what in ["fill", "stroke"] {
            rules += &format!("svg.plot [{what}=\"#{light:06X}\"]{{{what}:#{dark:06X}}}\n");
        }
    }
    rules + "}\n"
}

/// The style sheet of a plot that is a file of its own: its page is its own, too.
pub(super) fn file_style() -> String {
    let Colour { light, dark } = PAGE;
    let page = |colour| format!("svg.plot{{background:#{colour:06X}}}\n");
    let dark = format!("@media (prefers-color-scheme:dark){{{}}}\n", page(dark));
    style().replacen("width:100%;height:auto", "max-width:100%", 1) + &page(light) + &dark
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2: relative luminance.
    fn luminance(colour: u32) -> f64 {
        let [_, red, green, blue] = colour.to_be_bytes();
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn colours_stand_out_on_both_pages() {
        let least = |colour: Colour, least: f64| {
            assert!(contrast(colour.light, PAGE.light) >= least, "{colour:?}");
            assert!(contrast(colour.dark, PAGE.dark) >= least, "{colour:?}");
        };
        SERIES.into_iter().for_each(|colour| least(colour, 3.0));
        [TEXT, LABEL]
            .into_iter()
            .for_each(|colour| least(colour, 4.5));
    }
}
