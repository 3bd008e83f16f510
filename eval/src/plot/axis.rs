//! An axis: what it measures, over which range, with which ticks.

use super::number::Number;
use super::scale::Scale;

/// What a direction of the plot stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    label: String,
    numbers: Number,
    logarithmic: bool,
    zero: bool,
    names: Vec<String>,
}

impl Axis {
    /// An axis with a name, which may tell its unit.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            numbers: Number::Plain,
            logarithmic: false,
            zero: false,
            names: Vec::new(),
        }
    }

    /// Gives 0, 1, 2, … these names, which stand at them in place of numbers: for what has no order.
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Makes it logarithmic: values that are not above zero are left out.
    pub fn log(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    /// Begins it at zero, or ends it there.
    pub fn from_zero(mut self) -> Self {
        self.zero = true;
        self
    }

    /// Says how its numbers are written.
    pub fn numbers(mut self, numbers: Number) -> Self {
        self.numbers = numbers;
        self
    }

    /// Its name.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where a value is on the axis; none where it is nowhere.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = match self.logarithmic {
            true if value <= 0.0 => return None,
            true => value.log10(),
            false => value,
        };
        place.is_finite().then_some(place)
    }

    /// The range that holds all of `values`, with their ticks, about `most` of them: places and texts.
    pub(super) fn scale(&self, values: &[f64], most: usize) -> Option<Scale> {
        if !self.names.is_empty() {
            let count = self.names.len() as f64;
            return Some(Scale {
                low: -0.5,
                high: count - 0.5,
                ticks: (0..self.names.len()).map(|index| index as f64).collect(),
                texts: self.names.clone(),
            });
        }
        let places = || values.iter().filter_map(|&value| self.place(value));
        let (mut low, mut high) = places()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
                (low.min(place), high.max(place))
            });
        if low > high {
            return None;
        }
        if self.zero && !self.logarithmic {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let width = high - low;
        if width <= high.abs().max(low.abs()) * 1e-9 {
            // One value alone: it stands in the middle.
            let around = match self.logarithmic {
                true => 0.1,
                false if high == 0.0 => 1.0,
                false => high.abs() * 0.1,
            };
            (low, high) = match self.zero && low == 0.0 {
                true => (low, high + around),
                false => (low - around, high + around),
            };
        }
        let ticks = match self.logarithmic {
            true => logarithmic_ticks(values, low, high, most),
            false => linear_ticks(low, high, most),
        };
        let step = match ticks.as_slice() {
            [first, second, ..] => second - first,
            _ => high - low,
        };
        let texts = ticks
            .iter()
            .map(|&value| self.numbers.text(value, step))
            .collect();
        let places = ticks.iter().filter_map(|&value| self.place(value));
        Some(Scale {
            low,
            high,
            ticks: places.collect(),
            texts,
        })
    }
}

/// Multiples of 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990).
fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let rough = (high - low) / most.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|nice| nice * power)
        .find(|&step| step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power);
    let (first, last) = (
        (low / step - 1e-9).ceil() as i64,
        (high / step + 1e-9).floor() as i64,
    );
    (first..=last).map(|index| index as f64 * step).collect()
}

/// The values themselves where they are few and apart, as the sizes of a study are; else round numbers: powers of ten
/// over three of them, their doubles and halves over one, fewer by equal steps. `low` and `high` are powers of ten.
fn logarithmic_ticks(values: &[f64], low: f64, high: f64, most: usize) -> Vec<f64> {
    let mut found: Vec<f64> = values
        .iter()
        .copied()
        .filter(|&value| value > 0.0)
        .collect();
    found.sort_by(f64::total_cmp);
    found.dedup_by(|one, other| (*one / *other - 1.0).abs() < 1e-9);
    let apart = 10f64.powf((high - low) / 10.0);
    if found.len() <= 7 && found.windows(2).all(|pair| pair[1] > pair[0] * apart) {
        return found;
    }
    let powers = || (low.floor() as i32..=high.ceil() as i32).map(|power| 10f64.powi(power));
    let inside = |tick: &f64| {
        let place = tick.log10();
        low - 1e-9 <= place && place <= high + 1e-9
    };
    let decades: Vec<f64> = powers().filter(inside).collect();
    if decades.len() >= 3 {
        return decades;
    }
    let halves = powers().flat_map(|power| [power, 2.0 * power, 5.0 * power]);
    let halves: Vec<f64> = halves.filter(inside).collect();
    match halves.len() {
        0..3 => linear_ticks(10f64.powf(low), 10f64.powf(high), most),
        _ => halves,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            linear_ticks(0.0, 209.0, 5),
            [0.0, 50.0, 100.0, 150.0, 200.0]
        );
        assert_eq!(linear_ticks(-0.3, 0.4, 4), [-0.2, 0.0, 0.2, 0.4]);
        let axis = Axis::new("share").log();
        let scale = axis.scale(&[1.0, 0.25, 0.5, 0.25], 5);
        let texts = scale.map(|scale| scale.texts);
        assert_eq!(texts, Some(vec!["0.25".into(), "0.5".into(), "1".into()]));
        let many: Vec<f64> = (1..1000).map(f64::from).collect();
        let texts = axis.scale(&many, 5).map(|scale| scale.texts);
        assert_eq!(texts, Some(vec!["1".into(), "10".into(), "100".into()]));
        // Perplexities: many are close to the last one.
        let ticks = |values: &[f64]| axis.scale(values, 5).map(|scale| scale.texts);
        let few = ticks(&[98.9, 8.3, 4.3, 4.1, 4.02]);
        assert_eq!(few, Some(["5", "10", "20", "50"].map(str::to_owned).into()));
        let narrow = ticks(&[27.8, 17.1, 12.6, 12.2, 12.18]);
        assert_eq!(narrow, Some(["15", "20", "25"].map(str::to_owned).into()));
    }

    #[test]
    fn names_stand_where_numbers_would() {
        let scale = Axis::new("").names(["one", "other"]).scale(&[0.1, 0.9], 5);
        let scale = scale.map(|scale| (scale.low, scale.high, scale.ticks, scale.texts));
        let texts = ["one", "other"].map(str::to_owned).into();
        assert_eq!(scale, Some((-0.5, 1.5, vec![0.0, 1.0], texts)));
    }

    #[test]
    fn a_single_value_has_room() {
        for value in [3.0, 0.0, -2.0, 1e-300] {
            let scale = Axis::new("").scale(&[value], 4);
            let inside = scale.is_some_and(|scale| scale.low < value && value < scale.high);
            assert!(inside, "{value}");
        }
        // Nothing at all of what cannot be less.
        let scale = Axis::new("").from_zero().scale(&[0.0], 4);
        assert_eq!(scale.map(|scale| (scale.low, scale.high)), Some((0.0, 1.0)));
        assert_eq!(Axis::new("").scale(&[f64::NAN], 4), None);
        assert_eq!(Axis::new("").log().scale(&[0.0, -1.0], 4), None);
    }
}
