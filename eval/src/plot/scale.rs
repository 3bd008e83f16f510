//! A range of places and its ticks, as the drawing library asks for them.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// A range of places with the ticks in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    /// Where the ticks are.
    pub ticks: Vec<f64>,
    /// What stands at them.
    pub texts: Vec<String>,
}

impl Scale {
    /// Moves both ends out by a share of the range, so that no line runs along the frame. An end at zero stays there.
    pub fn widened(mut self, share: f64) -> Self {
        let margin = (self.high - self.low) * share;
        if self.low != 0.0 {
            self.low -= margin;
        }
        if self.high != 0.0 {
            self.high += margin;
        }
        self
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (place - self.low) / (self.high - self.low);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.ticks.clone(),
        }
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, place: &f64) -> String {
        let tick = self.ticks.iter().position(|tick| tick == place);
        let text = tick.and_then(|index| self.texts.get(index));
        text.cloned().unwrap_or_default()
    }
}
